/**
 * The blocks that are moved: as many and as large as asked for, no two alike, and each with its true
 * id, because what is read is checked.
 *
 * @module
 */

import { type BlockId, blockIdFromBytes } from "../../../lib/block/block_ref.ts";
import { blake3 } from "../../../lib/block/digest.ts";

/** How many blocks of which size, and how many of them under way at once. */
export interface Workload {
  readonly kind: "large" | "small";
  readonly name: string;
  readonly size: number;
  readonly count: number;
  readonly concurrency: number;
}

/** What the demands are about. */
export const WORKLOADS: readonly Workload[] = [
  { kind: "large", name: "512 KiB", size: 512 * 1024, count: 2000, concurrency: 128 },
  { kind: "small", name: "4 KiB", size: 4096, count: 20_000, concurrency: 256 },
];

/** So few blocks that nothing is measured, but everything is done. */
export const TINY_WORKLOADS: readonly Workload[] = WORKLOADS.map((workload) => ({
  ...workload,
  count: 6,
  concurrency: 2,
}));

/** Blocks of one workload. Only their ids are kept: a block is made when it is needed. */
export class BlockSet {
  readonly workload: Workload;
  readonly ids: readonly BlockId[];
  readonly #content: Uint8Array<ArrayBuffer>;

  constructor(workload: Workload) {
    this.workload = workload;
    this.#content = new Uint8Array(workload.size);
    // The platform gives at most 64 KiB of random bytes a call.
    for (let at = 0; at < workload.size; at += 65536) {
      crypto.getRandomValues(this.#content.subarray(at, at + 65536));
    }
    const block = this.buffer();
    this.ids = Array.from({ length: workload.count }, (_, index) => {
      this.fill(block, index);
      return blockIdFromBytes(blake3(block));
    });
  }

  /** Bytes of all blocks. */
  get bytes(): number {
    return this.workload.size * this.workload.count;
  }

  /** Memory for one block. */
  buffer(): Uint8Array<ArrayBuffer> {
    return this.#content.slice();
  }

  /** Makes what {@link buffer} gave into a block: a number is all that sets it apart. */
  fill(buffer: Uint8Array<ArrayBuffer>, index: number): void {
    new DataView(buffer.buffer).setUint32(0, index);
  }

  /** Writes the blocks to a directory, as a directory store has them. */
  async writeTo(directory: string): Promise<void> {
    const block = this.buffer();
    for (const [index, id] of this.ids.entries()) {
      const subdirectory = `${directory}/${id.slice(0, 2)}`;
      await Deno.mkdir(subdirectory, { recursive: true });
      this.fill(block, index);
      await Deno.writeFile(`${subdirectory}/${id}`, block);
    }
  }
}
