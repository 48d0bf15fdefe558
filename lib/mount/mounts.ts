/**
 * Mounts of images on this machine, whichever process serves them.
 *
 * @module
 */

import { basename, dirname, resolve } from "node:path";
import { displayByteString } from "../base/byte_string.ts";
import { MountError } from "../base/errors.ts";
import { findMount, listMounts } from "../fuse/mount_table.ts";
import { unmount } from "../fuse/unmount.ts";

/** How long a mount may take to show that somebody serves it. */
const ANSWER_MS_MAX = 1000;

/**
 * Whether anybody answers for a mount: `"dead"` when its process is gone, `"silent"` when it did not
 * answer within a second, or this user may not look.
 */
export type MountState = "serving" | "dead" | "silent";

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
  /** Whether it is served. */
  readonly state: MountState;
}

/** All mounts of images that this process can see in the kernel's table, in the order they were made. */
export async function listMountedImages(): Promise<MountedImage[]> {
  const entries = await listMounts();
  return await Promise.all(
    entries.map(async ({ target, source, userId, allowsOthers }) => ({
      target,
      meta: source,
      userId,
      allowsOthers,
      state: await stateOf(target),
    })),
  );
}

/**
 * Refuses to mount over what a process left that died: the kernel may still show its directory as if
 * all were well.
 *
 * @throws {MountError} when there is such a mount on `target`.
 */
export async function assertNotDead(target: string): Promise<void> {
  const path = await mountPath(target);
  if (await findMount(path) === undefined || await stateOf(path) !== "dead") return;
  throw new MountError(
    displayByteString(target),
    "an earlier mount whose program has died is still there",
    { hint: "Remove it with 'myfs umount' (or umount, or fusermount3 -u), then mount again." },
  );
}

async function stateOf(target: string): Promise<MountState> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<MountState>((settle) => {
    timer = setTimeout(() => settle("silent"), ANSWER_MS_MAX);
  });
  // A name that the kernel cannot have an answer for yet.
  const answer = Deno.lstat(`${target}/.myfs-${crypto.randomUUID()}`).then(
    (): MountState => "serving",
    (error): MountState =>
      error instanceof Deno.errors.NotFound ? "serving" : isNotConnected(error) ? "dead" : "silent",
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** ENOTCONN: nobody has the device any more. */
function isNotConnected(error: unknown): boolean {
  return error instanceof Error && /os error 107\b/.test(error.message);
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
  if (await findMount(path) === undefined) return "not mounted";
  const outcome = await unmount(path);
  if (outcome !== "busy") return outcome;
  return await unmount(path, { lazy: true }) === "unmounted" ? "detached" : "not mounted";
}

/**
 * `target` as the kernel's table of mounts has it. The mount itself is not touched: where its process
 * is gone, that fails.
 */
export async function mountPath(target: string): Promise<string> {
  const absolute = resolve(target);
  if (await findMount(absolute) !== undefined) return absolute;
  try {
    return await Deno.realPath(absolute);
  } catch {
    const parent = await Deno.realPath(dirname(absolute)).catch(() => dirname(absolute));
    return parent === "/" ? `/${basename(absolute)}` : `${parent}/${basename(absolute)}`;
  }
}
