/**
 * Mounts of images on this machine, whichever process serves them.
 *
 * @module
 */

import { absolutePath, splitPath } from "../base/absolute_path.ts";
import { displayByteString } from "../base/byte_string.ts";
import { MountError, MyfsError } from "../base/errors.ts";
import {
  findMount,
  listMounts,
  type MountEntry,
  readMountTable,
  type TableEntry,
} from "../fuse/mount_table.ts";
import { findHolder } from "../fuse/takeover.ts";
import { unmount } from "../fuse/unmount.ts";
import { probeMount } from "./mount_state.ts";
import type { MountStatus } from "./mount_status.ts";
import { askServers } from "./status_socket.ts";
import { overlayOn, unmountOverlay } from "./writable_overlay.ts";

/**
 * Whether anybody answers for a mount: `"stale"` when its process is gone and programs get errors,
 * `"orphaned"` when its process is gone and programs wait for another one, `"hanging"` when it did not
 * answer within a second, `"hidden"` when this user may not look.
 */
export type MountState = "alive" | "stale" | "orphaned" | "hanging" | "hidden";

/** One mount. */
export interface MountedImage {
  /** Directory it is on, a byte string. */
  readonly target: string;
  /** The flist, as an absolute path; a byte string. */
  readonly meta: string;
  /** The user who mounted it. */
  readonly userId: number;
  /** Whether other users may look into it. */
  readonly allowsOthers: boolean;
  /** Where changes go, where it can be written to: a byte string. */
  readonly upper: string | undefined;
  /** Whether it is served. */
  readonly state: MountState;
  /** The process that serves it; undefined where there is none, or this user may not know. */
  readonly pid: number | undefined;
  /** What that says; undefined where it does not answer, or not to this user. */
  readonly status: MountStatus | undefined;
}

/**
 * All mounts of images that this process can see in the kernel's table, in the order they were made.
 * Never waits for one that hangs for longer than two seconds.
 */
export async function listMountedImages(): Promise<MountedImage[]> {
  const [entries, table] = await Promise.all([listMounts(), readMountTable()]);
  return await Promise.all(entries.map((entry) => describeMount(entry, table)));
}

async function describeMount(
  entry: MountEntry,
  table: readonly TableEntry[],
): Promise<MountedImage> {
  const { target, source, userId, allowsOthers } = entry;
  const [server] = await askServers(entry);
  return {
    target,
    meta: source,
    userId,
    allowsOthers,
    upper: overlayOn(entry, table)?.upper,
    // Where it was asked and has answered, programs get answers too.
    state: await stateOf(entry, server !== undefined),
    pid: server?.pid,
    status: server?.status,
  };
}

async function stateOf(entry: MountEntry, isServed: boolean): Promise<MountState> {
  // Programs that look at a mount without a process wait, and may not get away again.
  if (!isServed && await findHolder(entry.device) !== undefined) return "orphaned";
  return await probeMount(entry.target);
}

/**
 * The flist of the mount on `target`, as an absolute path and a byte string; undefined where no image
 * is mounted. The mount itself is not asked.
 */
export async function mountedFlist(target: string): Promise<string | undefined> {
  return (await findMount(await mountPath(target)))?.source;
}

/**
 * Removes what a process left on `target` that died: the kernel may still show its directory as if
 * all were well.
 *
 * @returns Whether there was such a mount.
 * @throws {MountError} when it cannot be removed, or when a process keeps it for another to take over.
 */
export async function clearStaleMount(target: string): Promise<boolean> {
  const path = await mountPath(target);
  let isCleared = false;
  for (;;) {
    const entry = await findMount(path);
    if (entry === undefined) return isCleared;
    const [server] = await askServers(entry);
    const state = await stateOf(entry, server !== undefined);
    if (state === "orphaned") {
      throw new MountError(
        displayByteString(target),
        "an earlier mount is still there whose program was killed, and programs wait for another",
        { hint: "Serve it on with --takeover, or remove it with 'myfs umount'." },
      );
    }
    if (state !== "stale") return isCleared;
    try {
      if (await removeMount(entry) === "not mounted") return isCleared;
    } catch (cause) {
      throw new MountError(
        displayByteString(target),
        "an earlier mount whose program has died is still there",
        {
          cause,
          hint: cause instanceof MyfsError
            ? `${cause.message}. Have its user remove it with 'myfs umount'.`
            : "Remove it with 'myfs umount'.",
        },
      );
    }
    isCleared = true;
  }
}

/** What {@link unmountImage} came to. */
export type UnmountImageOutcome = "unmounted" | "detached" | "not mounted";

/**
 * Removes the mount on `target`, whoever serves it, and also where nobody does any more.
 *
 * @returns `"detached"` when programs still use it: it is gone from the tree, and ends when they have
 * closed what they have open.
 * @throws {SystemError} when that is not permitted.
 */
export async function unmountImage(target: string): Promise<UnmountImageOutcome> {
  const path = await mountPath(target);
  // Never another's file system, whatever is mounted there.
  const entry = await findMount(path);
  return entry === undefined ? "not mounted" : await removeMount(entry);
}

/** Removes a mount, and first what lies on top to make it writable. */
async function removeMount(entry: MountEntry): Promise<UnmountImageOutcome> {
  if (await unmountOverlay(entry) === "busy") await unmountOverlay(entry, { lazy: true });
  const outcome = await unmount(entry.target);
  if (outcome !== "busy") return outcome;
  const detached = await unmount(entry.target, { lazy: true });
  return detached === "unmounted" ? "detached" : "not mounted";
}

/**
 * `target` as the kernel's table of mounts has it. The mount itself is not touched: where its process
 * is gone, that fails.
 */
export async function mountPath(target: string): Promise<string> {
  const absolute = absolutePath(target);
  if (await findMount(absolute) !== undefined) return absolute;
  try {
    return await Deno.realPath(absolute);
  } catch {
    const { parent, name } = splitPath(absolute);
    const real = await Deno.realPath(parent).catch(() => parent);
    return real === "/" ? `/${name}` : `${real}/${name}`;
  }
}
