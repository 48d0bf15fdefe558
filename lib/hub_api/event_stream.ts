/**
 * Server-sent events (HTML, section 9.2), as far as a hub sends them.
 *
 * @module
 */

/** An event as it came. */
export interface StreamedEvent {
  /** Its id: the number of an event of the hub. */
  readonly id: string;
  /** What kind it is. */
  readonly event: string;
  /** Its lines, joined. */
  readonly data: string;
}

/** Longest event, in characters: what is longer comes from no hub. */
const EVENT_LENGTH_MAX = 1024 * 1024;

/** The events in a body. One that the body ends in the midst of is dropped, as the standard has it. */
export async function* readEventStream(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamedEvent, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let fields: Record<string, string> = {};
  for await (const piece of body) {
    rest += decoder.decode(piece, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    if (rest.length > EVENT_LENGTH_MAX) {
      throw new SyntaxError("Cannot read events: one is too long");
    }
    for (const line of lines) {
      if (line !== "") {
        addLine(fields, line);
        continue;
      }
      const { id = "", event = "message", data } = fields;
      if (data !== undefined) yield { id, event, data };
      fields = {};
    }
  }
}

function addLine(fields: Record<string, string>, line: string): void {
  const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
  if (name === "data" && fields.data !== undefined) fields.data += `\n${value}`;
  else if (name === "data" || name === "event" || name === "id") fields[name] = value;
}
