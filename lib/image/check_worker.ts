/**
 * The thread that does the work of a check: opens blocks, which verifies them.
 *
 * @module
 */

import { type Failure, toFailure } from "../base/errors.ts";
import type { BlockCodec } from "../block/block_codec.ts";
import { BlockKey, parseBlockId } from "../block/block_ref.ts";
import { LocalBlocks } from "../store/local_blocks.ts";
import type { LocalPlacement } from "../store/store.ts";
import { type FlistCodecSetup, openFlistCodec } from "./flist_codec.ts";
import { isBlockFault, type SentChunk } from "./unpack_messages.ts";
import type { StopFlag } from "./stop_flag.ts";
import { serveTasks } from "./worker_pool.ts";

/** First message to a worker. */
export interface CheckWorkerSetup {
  readonly codec: FlistCodecSetup;
  /** Where the blocks are when that is on this machine; else they come with the chunks. */
  readonly placement: LocalPlacement | undefined;
}

/** What is wrong with one of the chunks, by its place in the task. */
export interface ChunkFault {
  readonly index: number;
  readonly failure: Failure;
}

/** What a check of some chunks found. */
export interface CheckDone {
  readonly faults: readonly ChunkFault[];
  /** Bytes of the blocks that were read. */
  readonly blockBytes: number;
}

function checkChunks(
  chunks: readonly SentChunk[],
  codec: BlockCodec,
  blocks: LocalBlocks | undefined,
  stop: StopFlag,
): CheckDone {
  const faults: ChunkFault[] = [];
  let blockBytes = 0;
  chunks.forEach((chunk, index) => {
    stop.throwIfRaised();
    if (chunk.failure !== undefined) {
      faults.push({ index, failure: chunk.failure });
      return;
    }
    try {
      const id = parseBlockId(chunk.id);
      const block = chunk.block ?? blocks!.get(id, (bytes) => codec.verifyId(id, bytes));
      blockBytes += block.length;
      codec.open({ id, key: BlockKey.fromBytes(chunk.key), size: chunk.size }, block);
    } catch (error) {
      if (!isBlockFault(error)) throw error;
      faults.push({ index, failure: toFailure("", error) });
    }
  });
  return { faults, blockBytes };
}

serveTasks<CheckWorkerSetup, readonly SentChunk[], CheckDone>((setup, stop) => {
  const codec = openFlistCodec(setup.codec);
  const { placement } = setup;
  const blocks = placement === undefined ? undefined : new LocalBlocks(placement);
  return {
    handle: (chunks) => ({ result: checkChunks(chunks, codec, blocks, stop), transfer: [] }),
    close: () => {},
  };
});
