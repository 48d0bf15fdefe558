/**
 * The heads of HTTP/1.1 messages (RFC 9112): what a request says, and what an answer says of its
 * body.
 *
 * @module
 */

/** How the body of an answer ends (RFC 9112, section 6.3). */
export type HttpBodyEnd =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

/** The head of an answer. */
export interface HttpHead {
  readonly status: number;
  /** Values by lower-case name; those of one name are joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bodyEnd: HttpBodyEnd;
  /** Whether the connection may be used again after the body. */
  readonly keepsAlive: boolean;
}

/** What came is not HTTP as this client speaks it. */
export class HttpSyntaxError extends Error {
  /** Name of the class. */
  override readonly name = "HttpSyntaxError";
}

const statusPattern = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: .*)?$/;
const fieldPattern = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Reads the head of an answer.
 *
 * @param text The head without the empty line that ends it, one character a byte.
 * @param method That of the request: what a body is depends on it.
 * @throws {HttpSyntaxError} when it is none, or contradicts itself about the body.
 */
export function parseHttpHead(text: string, method: string): HttpHead {
  const lines = text.split("\r\n");
  const first = statusPattern.exec(lines[0]!);
  if (first === null) throw new HttpSyntaxError("it does not begin as HTTP/1.1 does");
  const headers = new Map<string, string>();
  for (let i = 1; i < lines.length; i++) {
    const field = fieldPattern.exec(lines[i]!);
    if (field === null) throw new HttpSyntaxError("a header line cannot be read");
    const name = field[1]!.toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? field[2]! : `${before}, ${field[2]}`);
  }
  const status = Number(first[2]);
  const bodyEnd = bodyEndOf(status, headers, method);
  const connection = headers.get("connection")?.toLowerCase() ?? "";
  const keepsAlive = first[1] === "1"
    ? !connection.includes("close")
    : connection.includes("keep-alive");
  return { status, headers, bodyEnd, keepsAlive: keepsAlive && bodyEnd.kind !== "close" };
}

/**
 * Header lines as text, each with its end.
 *
 * @throws {TypeError} when a value would break out of its line.
 */
export function formatHttpFields(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => `${name}: ${allowed(value, /^[\x20-\x7e]*$/)}\r\n`).join("");
}

/**
 * The head of a request, with the empty line that ends it.
 *
 * @param target Path and query, percent-encoded.
 * @param fields From {@link formatHttpFields}.
 * @throws {TypeError} when the target would break out of its line.
 */
export function formatHttpHead(method: string, target: string, fields: string): string {
  return `${method} ${allowed(target, /^[\x21-\x7e]+$/)} HTTP/1.1\r\n${fields}\r\n`;
}

function allowed(text: string, pattern: RegExp): string {
  if (pattern.test(text)) return text;
  throw new TypeError("Cannot make a request: it has characters that HTTP does not allow there");
}

function bodyEndOf(
  status: number,
  headers: ReadonlyMap<string, string>,
  method: string,
): HttpBodyEnd {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { kind: "none" };
  }
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked" || headers.has("content-length")) {
      throw new HttpSyntaxError("how its body ends cannot be told");
    }
    return { kind: "chunked" };
  }
  const length = contentLength(headers);
  return length === undefined ? { kind: "close" } : { kind: "length", length };
}

/**
 * What Content-Length says; undefined where it is missing.
 *
 * @throws {HttpSyntaxError} when it is no number, or several that differ.
 */
function contentLength(headers: ReadonlyMap<string, string>): number | undefined {
  const text = headers.get("content-length");
  if (text === undefined) return undefined;
  const [first, ...others] = text.split(/[ \t]*,[ \t]*/);
  if (!/^[0-9]{1,15}$/.test(first!) || others.some((other) => other !== first)) {
    throw new HttpSyntaxError("its length cannot be read");
  }
  return Number(first);
}
