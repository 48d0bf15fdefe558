/**
 * A server on this machine that says what a test tells it to, right or wrong.
 *
 * @module
 */

/** Treats one connection; it is closed when this ends. */
export type Script = (conn: Deno.Conn, index: number) => Promise<void>;

/** A running server. */
export class ScriptedServer implements AsyncDisposable {
  /** The port of the loopback address; 0 where it listens on a unix socket. */
  readonly port: number;
  /** Connections that were made. */
  connections = 0;
  readonly #listener: Deno.Listener;
  readonly #open = new Map<Deno.Conn, Promise<void>>();
  readonly #accepting: Promise<void>;

  /**
   * Starts to listen.
   *
   * @param script What is done with each connection, of which the first has index 0.
   * @param place Port, or path of a unix socket; a free port where it is not given.
   */
  constructor(script: Script, place: number | string = 0) {
    const listener = typeof place === "number"
      ? Deno.listen({ hostname: "127.0.0.1", port: place })
      : Deno.listen({ transport: "unix", path: place });
    this.port = listener.addr.transport === "tcp" ? listener.addr.port : 0;
    this.#listener = listener;
    this.#accepting = this.#acceptAll(script);
  }

  /** Hangs up on everybody. */
  hangUp(): void {
    for (const conn of this.#open.keys()) close(conn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.hangUp();
    await this.#accepting;
    await Promise.all(this.#open.values());
  }

  async #acceptAll(script: Script): Promise<void> {
    for await (const conn of this.#listener) {
      if (conn.localAddr.transport === "tcp") (conn as Deno.TcpConn).setNoDelay(true);
      const serving = script(conn, this.connections++).catch(() => {}).finally(() => {
        this.#open.delete(conn);
        close(conn);
      });
      this.#open.set(conn, serving);
    }
  }
}

/** Writes text or bytes as a whole. */
export async function say(conn: Deno.Conn, words: string | Uint8Array): Promise<void> {
  const bytes = typeof words === "string" ? new TextEncoder().encode(words) : words;
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Reads until the other side hangs up. */
export async function listen(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  while (await conn.read(buffer) !== null);
}

/** Reads something, and gives it as text. */
export async function hear(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  const count = await conn.read(buffer);
  if (count === null) throw new Error("The other side hung up");
  return new TextDecoder().decode(buffer.subarray(0, count));
}

/** Closes what may be closed already. */
function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It was.
  }
}
