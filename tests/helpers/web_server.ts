/**
 * Programs that serve files over HTTP: started on loopback, and ended with the scope.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";

/** A server under way; it ends at the end of the scope. */
export interface WebServer extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Such as `http://127.0.0.1:1234`. */
  readonly url: string;
}

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Waits until something accepts connections on `port`.
 *
 * @returns false when `child` ends before.
 */
export async function accepts(port: number, child: Deno.ChildProcess): Promise<boolean> {
  let ended = false;
  child.status.then(() => ended = true);
  while (!ended) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      await setTimeout(5);
    }
  }
  return false;
}

/** Ends a program that was started here. */
export async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself.
  }
  await child.status;
}
