/**
 * A connection on which a test sends what no client would, piece by piece.
 *
 * @module
 */

/** How a connection ended, and what came on it. */
export interface RawAnswer {
  readonly text: string;
  /** Status of the first answer; undefined where none came. */
  readonly status: number | undefined;
  /** Whether the other side ended it in time. */
  readonly isEnded: boolean;
}

/** How to send. */
export interface RawRequest {
  readonly port: number;
  /** Text to send, and milliseconds to wait. Sending ends early with the connection. */
  readonly pieces: Iterable<string | number>;
  /** How long the other side has to end it, in milliseconds. @default 5000 */
  readonly patienceMs?: number;
}

/** Sends pieces and reads until the other side ends the connection. */
export async function sendRaw({ port, pieces, patienceMs = 5000 }: RawRequest): Promise<RawAnswer> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let isEnded = true;
  const timer = setTimeout(() => {
    isEnded = false;
    connection.close();
  }, patienceMs);
  const [text] = await Promise.all([readAll(connection), sendAll(connection, pieces)]);
  clearTimeout(timer);
  if (isEnded) connection.close();
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  return { text, status: status === undefined ? undefined : Number(status), isEnded };
}

async function readAll(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let count; (count = await connection.read(buffer)) !== null;) {
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch {
    // It was reset, or closed here.
  }
  return text;
}

async function sendAll(connection: Deno.Conn, pieces: Iterable<string | number>): Promise<void> {
  const encoder = new TextEncoder();
  try {
    for (const piece of pieces) {
      if (typeof piece === "number") {
        await new Promise((resolve) => setTimeout(resolve, piece));
        continue;
      }
      let rest = encoder.encode(piece);
      while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
    }
  } catch {
    // It ended while there was more to send.
  }
}
