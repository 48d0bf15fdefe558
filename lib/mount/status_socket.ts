/**
 * What a mount says of itself to other processes of its user, and to root.
 *
 * Whoever connects to the mount's socket gets one JSON document, and the connection is closed.
 *
 * @module
 */

import { libc } from "../linux/libc.ts";
import type { MountEntry } from "../fuse/mount_table.ts";
import { ownStatusFolder, socketName, socketsOf } from "./status_folder.ts";
import type { MountStatus } from "./mount_status.ts";

/** How long an answer may take. */
const ANSWER_MS_MAX = 1000;

/** Answers everybody who connects, until it is disposed. */
export class StatusSocketServer implements AsyncDisposable {
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #done: Promise<void>;

  private constructor(path: string, listener: Deno.UnixListener, status: () => MountStatus) {
    this.#path = path;
    this.#listener = listener;
    this.#done = this.#serve(status);
  }

  /**
   * Opens the socket of a mount that this process serves, and removes those of processes that served
   * it before.
   *
   * @returns undefined where this system has no place for it: nothing else depends on it.
   */
  static async open(
    device: string,
    status: () => MountStatus,
  ): Promise<StatusSocketServer | undefined> {
    const userId = libc().geteuid();
    try {
      const folder = await ownStatusFolder(userId);
      if (folder === undefined) return undefined;
      for (const { path } of await socketsOf({ device, userId })) await Deno.remove(path);
      const path = `${folder}/${socketName(device, Deno.pid)}`;
      const listener = Deno.listen({ transport: "unix", path });
      return new StatusSocketServer(path, listener, status);
    } catch {
      return undefined;
    }
  }

  async #serve(status: () => MountStatus): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        // It fits in the socket, so whoever does not read it holds up nobody.
        await connection.write(new TextEncoder().encode(JSON.stringify(status())));
      } catch {
        // Nobody waits for it any more.
      } finally {
        connection.close();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
    // The runtime may have removed it.
    await Deno.remove(this.#path).catch(() => {});
  }
}

/** A process that serves a mount. */
export interface MountServer {
  readonly pid: number;
  /** What it says; undefined where it did not answer in time. */
  readonly status: MountStatus | undefined;
}

/**
 * The living processes that serve a mount, as far as this user may ask them. Sockets that dead ones
 * left are removed where that is allowed.
 */
export async function askServers(
  entry: Pick<MountEntry, "device" | "userId">,
): Promise<MountServer[]> {
  const servers = await Promise.all(
    (await socketsOf(entry)).map(async ({ path, pid }) => {
      let connection: Deno.UnixConn;
      try {
        connection = await Deno.connect({ transport: "unix", path });
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) await Deno.remove(path).catch(() => {});
        return undefined;
      }
      return { pid, status: await readStatus(connection) };
    }),
  );
  return servers.filter((server) => server !== undefined);
}

async function readStatus(connection: Deno.UnixConn): Promise<MountStatus | undefined> {
  const timer = setTimeout(() => connection.close(), ANSWER_MS_MAX);
  try {
    return await new Response(connection.readable).json() as MountStatus;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // It was closed at its end, or in time.
    }
  }
}
