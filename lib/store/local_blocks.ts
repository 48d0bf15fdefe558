/**
 * Blocks in local directories without promises: for worker threads, which would rather wait than
 * hand a block to another thread.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { BlockNotFoundError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { assertBlockSize } from "./block_size.ts";
import { LocalDirectory } from "./local_directory.ts";
import {
  FULL_RANGE,
  prefixOf,
  type PrefixRange,
  tableByPrefix,
  uncoveredError,
} from "./prefix_range.ts";
import type { LocalPlacement, PutOptions, PutResult } from "./store.ts";
import { combineFailures, type StoreFailure } from "./store_failures.ts";

/** A directory with the range of prefixes it has. */
interface Member extends PrefixRange {
  readonly directory: LocalDirectory;
}

/**
 * Synchronous access to the blocks of a {@link LocalPlacement}, with the contract of `Store`:
 * directories that overlap are replicas, a read takes the first good copy, a write reaches all.
 * Many threads and processes may each have their own over the same directories. It holds no handle.
 */
export class LocalBlocks {
  readonly #members: readonly Member[];
  readonly #byPrefix: readonly (readonly Member[])[];

  /**
   * Nothing is opened or created; the directories must exist before the first call.
   *
   * @throws {RangeError} when a range of the placement is not one.
   */
  constructor(placement: LocalPlacement) {
    this.#members = placement.directories.map(({ start, end, path, durability }) => ({
      start,
      end,
      directory: new LocalDirectory(path, durability),
    }));
    this.#byPrefix = tableByPrefix(this.#members);
  }

  /**
   * The block with this id; the caller owns the bytes.
   *
   * @param accept Checks the bytes, usually against the id, and throws when they are not the
   *   block's: the next replica is tried then.
   * @throws {BlockNotFoundError} when no directory has it.
   * @throws what `accept` threw, when every copy was refused or is missing.
   * @throws {StoreUnavailableError} or {StoreDeniedError} when a directory could not be read and no
   *   other gave the block.
   */
  get(id: BlockId, accept?: (block: Bytes) => void): Bytes {
    const failures: StoreFailure[] = [];
    for (const { directory } of this.#covering(id)) {
      try {
        const block = directory.read(id);
        if (block === undefined) throw new BlockNotFoundError(id, directory.url);
        accept?.(block);
        return block;
      } catch (error) {
        failures.push({ url: directory.url, error });
      }
    }
    throw combineFailures(`read block ${id}`, failures);
  }

  /**
   * Keeps a block in every directory whose range has it; `"present"` when all had it.
   *
   * @throws {StoreUnavailableError} or {StoreDeniedError} that names the directories that failed;
   *   the others have the block.
   * @throws {RangeError} when the block is empty or larger than any block.
   */
  put(id: BlockId, block: Uint8Array, options: Pick<PutOptions, "replace"> = {}): PutResult {
    assertBlockSize(id, block);
    const failures: StoreFailure[] = [];
    let result: PutResult = "present";
    for (const { directory } of this.#covering(id)) {
      try {
        if (directory.write(id, block, options) === "stored") result = "stored";
      } catch (error) {
        failures.push({ url: directory.url, error });
      }
    }
    if (failures.length > 0) throw combineFailures(`store block ${id}`, failures);
    return result;
  }

  /**
   * Whether any directory has the block, so that it can be read. It need not be in every replica.
   *
   * @throws {StoreUnavailableError} or {StoreDeniedError} when no directory has it and one of them
   *   could not be asked.
   */
  has(id: BlockId): boolean {
    const failures: StoreFailure[] = [];
    for (const { directory } of this.#byPrefix[prefixOf(id)]!) {
      try {
        if (directory.has(id)) return true;
      } catch (error) {
        failures.push({ url: directory.url, error });
      }
    }
    if (failures.length > 0) throw combineFailures(`look for block ${id}`, failures);
    return false;
  }

  /** Removes the block from every directory; tells whether any had it. */
  delete(id: BlockId): boolean {
    const failures: StoreFailure[] = [];
    let removed = false;
    for (const { directory } of this.#byPrefix[prefixOf(id)]!) {
      try {
        if (directory.remove(id)) removed = true;
      } catch (error) {
        failures.push({ url: directory.url, error });
      }
    }
    if (failures.length > 0) throw combineFailures(`delete block ${id}`, failures);
    return removed;
  }

  /** The ids of all blocks, each once, in no order. Throws when any directory cannot be listed. */
  *list(): Iterable<BlockId> {
    const flat = new Map(this.#members.map((member) => [member, flatByPrefix(member.directory)]));
    // Prefix by prefix, so that what must be remembered to find duplicates stays small.
    for (let prefix = 0; prefix < this.#byPrefix.length; prefix++) {
      const seen = new Set<BlockId>();
      for (const member of this.#byPrefix[prefix]!) {
        for (const id of flat.get(member)!.get(prefix) ?? []) seen.add(id);
        for (const id of member.directory.listPrefix(prefix)) seen.add(id);
      }
      yield* seen;
    }
  }

  /**
   * Removes temporary files that killed writers left, and returns how many.
   *
   * @param olderThanMs Age in milliseconds; a writer that lives keeps a temporary file for far less
   *   than a minute.
   * @param range Which prefixes to look at, all by default.
   */
  sweepTemporary(olderThanMs: number, range: PrefixRange = FULL_RANGE): number {
    let count = 0;
    for (const { directory } of this.#members) {
      count += directory.sweepTemporary(olderThanMs, range);
    }
    return count;
  }

  /** Directories for an id, in order of preference, at least one. */
  #covering(id: BlockId): readonly Member[] {
    const members = this.#byPrefix[prefixOf(id)]!;
    if (members.length === 0) throw uncoveredError(id, this.#members);
    return members;
  }
}

/** Blocks in the old layout, by first byte: few or none. */
function flatByPrefix(directory: LocalDirectory): Map<number, BlockId[]> {
  return Map.groupBy(directory.listFlat(), prefixOf);
}
