/**
 * A part of a pack, made by hand.
 *
 * @module
 */

import type { FedPart } from "../../lib/image/packed_part.ts";
import type { SentRef } from "../../lib/image/pack_worker.ts";

const bytes = (value: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(value);
const NO_BLOCKS = { refs: [], present: 0, storedBytes: 0 };

/** Two small files that are equal and a large one of two chunks, behind 10 contents and 4 small files. */
export function packedParts(): { part: FedPart; refs: ReadonlyMap<string, SentRef> } {
  const refs = new Map([1, 2, 3].map((value) => {
    const ref: SentRef = {
      id: bytes(value + 100).toHex(),
      key: bytes(value),
      size: 1000,
      storedSize: 500,
    };
    return [ref.key.toHex(), ref];
  }));
  const keys = new Uint8Array([...bytes(2), ...bytes(3)]);
  const fileOffsets = Float64Array.of(0, 300_000);
  const sizes = Float64Array.of(300_000, 2 ** 33);
  const digest = bytes(9);
  const part: FedPart = {
    start: { content: 10, file: 4, scope: 3 },
    contents: 3,
    files: 2,
    units: [
      {
        planned: {
          unit: {
            kind: "contents",
            turn: 2,
            firstFile: 4,
            scope: 3,
            lengths: Uint32Array.of(5, 5),
            content: new Uint8Array(0),
          },
          inos: [10, 11],
        },
        done: {
          kind: "files",
          ...NO_BLOCKS,
          keys: bytes(1),
          sizes: Float64Array.of(5),
          chunkOf: Int32Array.of(0, -2),
          offsets: Uint32Array.of(0, 0),
          duplicateOf: Int32Array.of(0, 5),
          digests: new Uint8Array(64).fill(8),
          changed: [],
        },
      },
      {
        planned: {
          unit: { kind: "chunks", fileOffsets, sizes, digest, content: new Uint8Array(0) },
          inos: [12],
        },
        done: {
          kind: "segment",
          ...NO_BLOCKS,
          keys,
          fileOffsets,
          sizes,
          digest,
          endReached: Infinity,
          changed: [],
        },
      },
    ],
  };
  return { part, refs };
}
