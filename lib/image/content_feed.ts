/**
 * Contents of files that come once and in order, as in a tar archive: bundled and cut as those of a
 * directory are, and given to the workers of a pack. What is in memory at a time is bounded.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { displayByteString } from "../base/byte_string.ts";
import { LimitExceededError } from "../base/errors.ts";
import { Blake3Hasher } from "../block/digest.ts";
import type { Profile } from "../block/profile.ts";
import { LONG_CHUNKS, LONG_CHUNKS_FILE_SIZE_MIN, SHORT_CHUNKS } from "../chunk/chunk_sizes.ts";
import type { Chunker } from "../chunk/chunker.ts";
import { ContentDefinedChunker } from "../chunk/content_defined_chunker.ts";
import { FixedChunker, RFS_CHUNK_SIZE } from "../chunk/fixed_chunker.ts";
import {
  BUNDLE_SIZE_MAX,
  isBundleFull,
  LARGE_FILE_SIZE_MIN,
  type PlannedUnit,
  SEGMENT_SIZE,
} from "./pack_plan.ts";
import type { PackDone, SentRef } from "./pack_worker.ts";
import {
  type DoneUnit,
  type FedPart,
  movedUnit,
  type PackedPart,
  type PartStart,
} from "./packed_part.ts";

/** A file whose content comes. */
export interface FedFile {
  /** The directory it is in, from the root, and its name: they decide where bundles end. */
  readonly directory: string;
  readonly name: string;
  /** Its size, holes included. */
  readonly size: number;
  /** Whether it has holes. */
  readonly hasHoles: boolean;
}

/** Bytes of a large file that a worker gets at a time, at least two of the largest chunks. */
const WINDOW_SIZE = 4 * 1024 * 1024;

/** Most bytes that workers have or that wait for them: for each worker a window, and some in reserve. */
const UNDER_WAY_RESERVE = 2 * WINDOW_SIZE;

/** Most bytes that files with holes may come to in the old format, which fills holes with zeros. */
const FILLED_BYTES_MAX = 64 * 1024 ** 3;

/** Who does the work. Units count in the order in which they are given. */
export interface FeedWork {
  /** Has a worker do a unit; what is in `transfer` moves there. The promise is kept when it is done. */
  submit(planned: PlannedUnit, transfer: Transferable[]): Promise<PackDone>;
  /** Takes a unit that was done before. */
  take(unit: DoneUnit): void;
  /** Makes known chunks that {@link take} will need. */
  know(refs: readonly SentRef[]): void;
}

/** Takes one file after the other: {@link begin}, {@link write} for each piece, {@link end}. */
export class ContentFeed {
  readonly #profile: Profile;
  readonly #work: FeedWork;
  readonly #underWayMax: number;
  readonly #chunker: Chunker;
  readonly #longChunker: Chunker;
  #contents = 0;
  #scope = 0;
  #underWay = 0;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;
  /** Small files that are to go together. */
  #bundle: Bytes | undefined;
  #bundleSize = 0;
  #bundled: { content: number; size: number }[] = [];
  #bundles = 0;
  #bundledFiles = 0;
  /** The file that comes now. */
  #file: FedFile | undefined;
  #isSmall = true;
  #at = 0;
  #large: LargeFile | undefined;
  #filledBytes = 0;
  /** What is kept of the part that comes now. */
  #part: FedPart | undefined;

  /**
   * @param work Is given units in the order in which they are to count.
   * @param jobs How many workers it has.
   */
  constructor(profile: Profile, work: FeedWork, jobs: number) {
    this.#profile = profile;
    this.#underWayMax = jobs * WINDOW_SIZE + UNDER_WAY_RESERVE;
    this.#work = work;
    this.#chunker = profile === "rfs"
      ? new FixedChunker(RFS_CHUNK_SIZE)
      : new ContentDefinedChunker(SHORT_CHUNKS);
    this.#longChunker = profile === "rfs" ? this.#chunker : new ContentDefinedChunker(LONG_CHUNKS);
  }

  /**
   * Begins a new part: bundles end here, and small files share no content with those of other parts.
   * So the blocks of a part do not depend on the other parts.
   */
  async beginPart(): Promise<void> {
    await this.#endBundle();
    this.#scope++;
    this.#part = undefined;
  }

  /** Does so, and keeps what becomes of the part: all of it is there when the pack has read its source. */
  async beginKeptPart(): Promise<FedPart> {
    await this.beginPart();
    return this.#part = { start: this.#start(), contents: 0, files: 0, units: [] };
  }

  /**
   * Begins a new part whose contents need not come, because they were packed once.
   *
   * @returns the number of its first content; the others follow.
   */
  async takePart(part: PackedPart): Promise<number> {
    await this.beginPart();
    const start = this.#start();
    this.#work.know(part.refs);
    for (const unit of part.units) this.#work.take(movedUnit(unit, start));
    this.#contents += part.contents;
    this.#bundledFiles += part.files;
    return start.content;
  }

  #start(): PartStart {
    return { content: this.#contents, file: this.#bundledFiles, scope: this.#scope };
  }

  /**
   * Begins a file that is not empty; answers the number of its content.
   *
   * @throws {LimitExceededError} when the old format would need too many zeros for holes.
   */
  begin(file: FedFile): number {
    if (this.#profile === "rfs" && file.hasHoles) this.#countHoles(file);
    this.#file = file;
    this.#at = 0;
    const isSparse = file.hasHoles && this.#profile === "myfs";
    this.#isSmall = !isSparse && file.size < LARGE_FILE_SIZE_MIN;
    const content = this.#contents++;
    if (this.#part !== undefined) this.#part.contents++;
    if (this.#isSmall) {
      this.#bundle ??= new Uint8Array(BUNDLE_SIZE_MAX + LARGE_FILE_SIZE_MIN);
      // Holes in it stay zeros: the buffer is new.
      this.#bundled.push({ content, size: file.size });
    } else {
      const chunker = file.size >= LONG_CHUNKS_FILE_SIZE_MIN ? this.#longChunker : this.#chunker;
      const hasDigest = this.#profile === "myfs" && !isSparse;
      this.#large = new LargeFile(
        content,
        chunker,
        hasDigest,
        this.#profile === "myfs" ? SEGMENT_SIZE : Infinity,
      );
    }
    return content;
  }

  /** Takes a piece of the file, which stays the caller's. Pieces come in order; between them are holes. */
  write(offset: number, bytes: Uint8Array): void | Promise<void> {
    if (!this.#isSmall) return this.#writeLarge(offset, bytes);
    this.#bundle!.set(bytes, this.#bundleSize + offset);
  }

  /** Ends the file. */
  async end(): Promise<void> {
    const file = this.#file!;
    this.#file = undefined;
    if (this.#isSmall) {
      this.#bundleSize += file.size;
      if (isBundleFull(this.#bundleSize, this.#bundled.length, file)) await this.#endBundle();
      return;
    }
    if (this.#profile === "rfs") await this.#writeZeros(file.size - this.#at);
    const large = this.#large!;
    this.#large = undefined;
    await this.#hand(large.take(true));
  }

  /** Ends the last bundle. All is done when the pack's own work is. */
  async finish(): Promise<void> {
    await this.#endBundle();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #writeLarge(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset > this.#at) {
      if (this.#profile === "rfs") await this.#writeZeros(offset - this.#at);
      else await this.#hand(this.#large!.take(true, offset));
    }
    this.#at = offset;
    for (let at = 0; at < bytes.length;) {
      const count = this.#large!.add(bytes.subarray(at));
      at += count;
      if (this.#large!.isFull) await this.#hand(this.#large!.take(false));
    }
    this.#at = offset + bytes.length;
  }

  /** The old format has no holes. */
  async #writeZeros(length: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(length, RFS_CHUNK_SIZE));
    for (let left = length; left > 0; left -= zeros.length) {
      await this.#writeLarge(this.#at, zeros.subarray(0, Math.min(left, zeros.length)));
    }
  }

  #countHoles({ name, size }: FedFile): void {
    this.#filledBytes += size;
    if (this.#filledBytes <= FILLED_BYTES_MAX) return;
    throw new LimitExceededError(
      `Cannot pack ${displayByteString(name)}: files with holes come to more than ` +
        `${FILLED_BYTES_MAX} bytes, all of which the rfs profile stores`,
      { hint: "The myfs profile keeps holes." },
    );
  }

  #endBundle(): Promise<void> {
    const files = this.#bundled;
    const content = this.#bundle;
    if (content === undefined || files.length === 0) return Promise.resolve();
    const planned: PlannedUnit = {
      unit: {
        kind: "contents",
        turn: this.#bundles++,
        firstFile: this.#bundledFiles,
        scope: this.#scope,
        lengths: Uint32Array.from(files, ({ size }) => size),
        content,
      },
      inos: files.map((file) => file.content),
    };
    this.#bundledFiles += files.length;
    if (this.#part !== undefined) this.#part.files += files.length;
    this.#bundle = undefined;
    this.#bundled = [];
    this.#bundleSize = 0;
    return this.#hand(planned);
  }

  /** Gives a unit to the workers, and waits while they have too much. */
  async #hand(planned: PlannedUnit | undefined): Promise<void> {
    if (planned === undefined) return;
    const { unit } = planned;
    if (unit.kind !== "contents" && unit.kind !== "chunks") return;
    const size = unit.content.byteLength;
    this.#underWay += size;
    const entry: FedPart["units"][number] = { planned };
    this.#part?.units.push(entry);
    this.#work.submit(planned, [unit.content.buffer]).then((done) => {
      entry.done = done;
    }, (error) => {
      this.#failure ??= { error };
    }).finally(() => {
      this.#underWay -= size;
      this.#wake?.();
    });
    while (this.#underWay > this.#underWayMax && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Cuts one large file into chunks. */
class LargeFile {
  readonly #content: number;
  readonly #chunker: Chunker;
  readonly #segmentSize: number;
  readonly #hasher: Blake3Hasher | undefined;
  #window: Bytes = new Uint8Array(WINDOW_SIZE);
  #filled = 0;
  /** Where in the file the window starts, and where the next piece goes. */
  #windowAt = 0;

  constructor(content: number, chunker: Chunker, hasDigest: boolean, segmentSize: number) {
    this.#content = content;
    this.#chunker = chunker;
    this.#segmentSize = segmentSize;
    this.#hasher = hasDigest ? new Blake3Hasher() : undefined;
  }

  get isFull(): boolean {
    return this.#filled === WINDOW_SIZE || this.#isAtSegmentEnd;
  }

  get #isAtSegmentEnd(): boolean {
    return this.#filled > 0 && (this.#windowAt + this.#filled) % this.#segmentSize === 0;
  }

  /** Takes the beginning of `bytes`; answers how much of it. */
  add(bytes: Uint8Array): number {
    const toSegmentEnd = this.#segmentSize === Infinity
      ? Infinity
      : this.#segmentSize - (this.#windowAt + this.#filled) % this.#segmentSize;
    const part = bytes.subarray(0, Math.min(WINDOW_SIZE - this.#filled, toSegmentEnd));
    this.#window.set(part, this.#filled);
    this.#hasher?.update(part);
    this.#filled += part.length;
    return part.length;
  }

  /**
   * The chunks that can be cut by now; all where the data ends.
   *
   * @param isLast Whether the data ends here, with the file or in a hole.
   * @param goesOnAt Where in the file it goes on behind the hole.
   */
  take(isLast: boolean, goesOnAt?: number): PlannedUnit | undefined {
    const all = isLast || this.#isAtSegmentEnd;
    const digest = isLast && goesOnAt === undefined ? this.#hasher?.digest() : undefined;
    const sizes: number[] = [];
    const fileOffsets: number[] = [];
    let cut = 0;
    while (cut < this.#filled && (all || this.#filled - cut >= this.#chunker.sizeMax)) {
      const size = this.#chunker.cut(this.#window, cut, this.#filled);
      sizes.push(size);
      fileOffsets.push(this.#windowAt + cut);
      cut += size;
    }
    const content = this.#window;
    this.#window = isLast && goesOnAt === undefined
      ? new Uint8Array(0)
      : new Uint8Array(WINDOW_SIZE);
    if (cut < this.#filled) this.#window.set(content.subarray(cut, this.#filled));
    this.#filled -= cut;
    this.#windowAt = goesOnAt ?? this.#windowAt + cut;
    if (sizes.length === 0 && digest === undefined) return undefined;
    return {
      unit: {
        kind: "chunks",
        fileOffsets: Float64Array.from(fileOffsets),
        sizes: Float64Array.from(sizes),
        digest,
        content,
      },
      inos: [this.#content],
    };
  }
}
