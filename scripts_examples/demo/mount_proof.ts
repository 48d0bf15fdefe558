/**
 * A comparison of an image that is mounted with the tree that it was made of.
 *
 * @module
 */

import { MountError, mountImage, SystemError, UnsupportedError } from "myfs";
import { type Proof, proveWithRsync } from "./system_proofs.ts";
import { compareListings, listTree } from "./tree_listing.ts";

/** What to mount and what it has to be equal to. */
export interface MountProofOptions {
  /** The flist. */
  readonly meta: string;
  /** Where the blocks are. */
  readonly store: string;
  /** The tree that the image was made of. */
  readonly source: string;
  /** Directory to mount on. */
  readonly target: string;
  /** Paths that the image does not have, with all below them. */
  readonly skip: ReadonlySet<string>;
  /** Whether the image has all that rsync can see of the source. */
  readonly isWhole: boolean;
  /** Ends the comparison and the mount. */
  readonly signal: AbortSignal;
}

/** What came of a {@link proveWithMount}. */
export interface MountProof {
  readonly proof: Proof;
  /** From the start until the mount could be used, in milliseconds; undefined where there is none. */
  readonly readyAfterMs?: number;
}

/** Bytes of each file that are read: a file may be one large hole. */
export const MOUNT_READ_MAX = 64 * 1024 ** 2;

const EXAMPLES_MAX = 5;

/**
 * Mounts an image, where this machine and its user may, compares each entry and the beginning of
 * each file, and has rsync look at what Deno does not see. The mount is gone in the end, however that
 * comes.
 */
export async function proveWithMount(options: MountProofOptions): Promise<MountProof> {
  const { meta, store, source, target, skip, isWhole, signal } = options;
  const startedMs = performance.now();
  await using mount = await mountImage(meta, target, { store, signal }).catch((error) => {
    signal.throwIfAborted();
    if (!isRefusal(error)) throw error;
    return { refusal: error.message, [Symbol.asyncDispose]: () => Promise.resolve() };
  });
  if ("refusal" in mount) return { proof: { kind: "skipped", why: mount.refusal } };
  const readyAfterMs = performance.now() - startedMs;
  const listing = { owners: true, skip, signal, bytesMax: MOUNT_READ_MAX };
  const { count, examples } = compareListings(
    await listTree(source, listing),
    await listTree(target, listing),
    EXAMPLES_MAX,
  );
  if (count > 0) return { proof: { kind: "different", examples }, readyAfterMs };
  const seen: Proof = isWhole
    ? await proveWithRsync(source, target, { owners: true, content: false, signal })
    : { kind: "equal" };
  return { proof: seen.kind === "different" ? seen : { kind: "equal" }, readyAfterMs };
}

/** Not every machine can mount, and not everybody on it may. */
function isRefusal(error: unknown): error is Error {
  return error instanceof UnsupportedError || error instanceof MountError ||
    error instanceof SystemError;
}
