/**
 * Debian's `redis-server`, for tests that need the real thing.
 *
 * @module
 */

import { TempFolder } from "./temp_folder.ts";

/** How to start a {@link RedisServer}. */
export interface RedisServerOptions {
  /** What every client must say first. */
  readonly password?: string;
  /** Port to listen on; a free one where it is not given. */
  readonly port?: number;
  /** More settings, as on the command line of the server. */
  readonly settings?: readonly string[];
}

/** How often a free port may turn out to be taken in the meantime. */
const ATTEMPTS = 5;

/** A running server that keeps all in memory: on a port of the loopback address and on a unix socket. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  /** Path of the unix socket. */
  readonly socket: string;
  readonly #folder: TempFolder;
  readonly #process: Deno.ChildProcess;
  readonly #log: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(port: number, folder: TempFolder, settings: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.socket = folder.file("socket");
    this.#process = new Deno.Command("redis-server", {
      args: [
        ...["--port", `${port}`, "--bind", "127.0.0.1", "--unixsocket", this.socket],
        ...["--save", "", "--appendonly", "no", "--dir", folder.path, "--databases", "4"],
        ...settings,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#log = this.#process.stdout.getReader();
  }

  /** Starts a server and waits until it takes connections. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const { password, settings = [] } = options;
    const all = password === undefined ? settings : [...settings, "--requirepass", password];
    for (let attempt = 1;; attempt++) {
      const server = new RedisServer(options.port ?? freePort(), new TempFolder(), all);
      const log = await server.#untilReady();
      if (log === undefined) return server;
      await server[Symbol.asyncDispose]();
      if (attempt === ATTEMPTS) throw new Error(`redis-server does not start: ${log}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    while (!(await this.#log.read()).done);
    await this.#process.status;
    this.#folder[Symbol.dispose]();
  }

  /** Waits until the server is ready; gives its log where it ended instead. */
  async #untilReady(): Promise<string | undefined> {
    const decoder = new TextDecoder();
    let log = "";
    for (;;) {
      const { done, value } = await this.#log.read();
      if (done) return log;
      log += decoder.decode(value, { stream: true });
      if (log.includes("ready to accept connections at")) return undefined;
    }
  }
}

/** A port of the loopback address that nobody listens on at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
