/**
 * Servers on loopback, each with a folder and a port of its own, that end with their scope.
 *
 * @module
 */

/** A server that is up. */
export interface Server extends AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** Its process. */
  readonly pid: number;
}

/** How a server is started. */
export interface ServerCommand {
  readonly program: string;
  /** Its arguments, once its port is known. */
  readonly args: (port: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A server that says nothing for so long has not come up. */
const START_LIMIT_MS = 20_000;

/** Starts a server and waits until it takes connections. @throws {Error} with what it printed when it does not. */
export async function startServer({ program, args, env }: ServerCommand): Promise<Server> {
  const port = freePort();
  const log = await Deno.makeTempFile();
  const child = new Deno.Command("sh", {
    // The shell only sends the output away, and becomes the server.
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, program, ...args(port)],
    stdin: "null",
    ...(env === undefined ? {} : { env }),
  }).spawn();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const server: Server = {
    port,
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      if (!ended) child.kill("SIGTERM");
      await status;
      await Deno.remove(log);
    },
  };
  const deadline = Date.now() + START_LIMIT_MS;
  while (!await answers(port)) {
    if (!ended && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    const output = await Deno.readTextFile(log);
    await server[Symbol.asyncDispose]();
    throw new Error(`Cannot start ${program}: ${output.slice(-2000)}`);
  }
  return server;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.close();
    return true;
  } catch {
    return false;
  }
}
