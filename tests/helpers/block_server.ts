/**
 * A web server in this process with the blocks of a directory store, which can go away and come
 * back.
 *
 * @module
 */

import { faultServer } from "./fault_server.ts";

/** The server; it ends at the end of the scope. */
export interface BlockServer extends AsyncDisposable {
  /** The store's URL. */
  readonly url: string;
  /** Whether it breaks off every connection. */
  isAway: boolean;
  /** Paths that it was asked for, in the order of coming. */
  readonly asked: string[];
}

/** Serves the directory `blocks`. */
export async function serveBlocks(blocks: string): Promise<BlockServer> {
  const state = { isAway: false, asked: [] as string[] };
  const server = await faultServer(async ({ target }) => {
    state.asked.push(target);
    if (state.isAway) return { kind: "reset" };
    try {
      return { kind: "http", body: await Deno.readFile(`${blocks}${target}`) };
    } catch {
      return { kind: "http", status: 404 };
    }
  });
  return Object.assign(state, {
    url: server.url,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
}
