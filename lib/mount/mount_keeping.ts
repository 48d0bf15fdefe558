/**
 * Mounts that outlive the process that serves them, and how the next one gets them.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { MountError } from "../base/errors.ts";
import type { MountEntry } from "../fuse/mount_table.ts";
import {
  findHolder,
  type Holder,
  isStartedBy,
  startHolder,
  stopHolder,
  takeDescriptors,
} from "../fuse/takeover.ts";
import { askServers } from "./status_socket.ts";

/** What becomes of a mount when its process is killed. */
export interface MountKeeping {
  /**
   * How long programs wait for another process, in seconds, before they get errors.
   *
   * @default {30}
   */
  readonly graceSeconds?: number;
  /**
   * A program, with its arguments, that mounts the same image with `takeOver`. It is started as soon
   * as this process has been killed, with its environment and in its directory, and again when it is
   * killed itself.
   *
   * @default nobody is started
   */
  readonly command?: readonly string[];
}

/** A flist, with what tells it from another of the same path. */
export interface StampedFlist {
  /** Absolute path. */
  readonly meta: string;
  /** What `flistStamp` said of it when it was opened. */
  readonly stamp: string;
}

/** Has a mount of this process kept, by a small process that ends by itself when the mount has. */
export function keepMount(
  entry: MountEntry,
  descriptors: readonly number[],
  { meta, stamp }: StampedFlist,
  keeping: MountKeeping,
): Holder {
  const label = JSON.stringify({ meta, stamp } satisfies StampedFlist);
  return startHolder(entry.device, descriptors, { ...keeping, label });
}

/** A mount that was taken over. */
export interface TakenMount {
  /** Its device, which the caller closes. */
  readonly descriptors: readonly number[];
  /** Who goes on keeping it, because this process was started by it. */
  readonly holder: Holder | undefined;
  /** Ends the one that kept it until now, once another one does or none is to. */
  readonly release: () => Promise<void>;
}

/**
 * Takes over the mount of a process that was killed.
 *
 * @param flist What is to be served from now on.
 * @throws {MountError} when nobody keeps the mount, when it is served, or when it is of another flist.
 */
export async function takeOverMount(
  entry: MountEntry,
  { meta, stamp }: StampedFlist,
): Promise<TakenMount> {
  const target = displayByteString(entry.target);
  const holder = await findHolder(entry.device);
  if (holder === undefined) {
    throw new MountError(target, "there is no process of yours that keeps the mount", {
      hint: "Remove it with 'myfs umount', then mount again.",
    });
  }
  if (!isStartedBy(holder)) {
    const [server] = await askServers(entry);
    if (server !== undefined) {
      const { pid } = server;
      throw new MountError(target, `process ${pid} serves it`, {
        hint: `End it first: kill -9 ${pid}`,
      });
    }
  }
  const kept = JSON.parse(holder.label) as StampedFlist;
  if (kept.stamp !== stamp) {
    throw new MountError(
      target,
      kept.meta === meta
        ? `${meta} is not the flist any more that was mounted`
        : `the mount is of ${kept.meta}, not of ${meta}`,
      { hint: "Only the same flist can be served on. Else: 'myfs umount', then mount again." },
    );
  }
  const descriptors = takeDescriptors(holder);
  const isOurs = isStartedBy(holder);
  return {
    descriptors,
    holder: isOurs ? holder : undefined,
    release: async () => isOurs ? undefined : await stopHolder(holder),
  };
}
