/**
 * A thread of a mount that opens blocks which were fetched from a store.
 *
 * @module
 */

import { type Bytes, releaseBytes } from "../base/bytes.ts";
import { BlockKey, parseBlockId } from "../block/block_ref.ts";
import { type FlistCodecSetup, openFlistCodec } from "../image/flist_codec.ts";
import { serveTasks } from "../image/worker_pool.ts";

/** What a thread is told at the start. */
export interface OpenerSetup {
  readonly codec: FlistCodecSetup;
}

/** A block to be opened. */
export interface SealedTask {
  readonly id: string;
  readonly key: Bytes;
  /** Bytes of the chunk. */
  readonly size: number;
  readonly block: Bytes;
}

/** The chunk that a block held. */
export type OpenedBlock = Bytes;

serveTasks<OpenerSetup, SealedTask, OpenedBlock>(({ codec: setup }) => {
  const codec = openFlistCodec(setup);
  return {
    handle: ({ id, key, size, block }) => {
      const ref = {
        id: parseBlockId(id),
        key: BlockKey.fromBytes(key),
        size,
        storedSize: block.length,
      };
      const result = codec.open(ref, block);
      releaseBytes(block);
      return { result, transfer: [result.buffer] };
    },
    close: () => {},
  };
});
