/**
 * What became of one part of a pack's contents: plain data with which the part can be packed once more
 * without its bytes, to the same chunks and extents.
 *
 * @module
 */

import type { PlannedUnit } from "./pack_plan.ts";
import type { FilesDone, PackDone, SegmentDone, SentRef } from "./pack_worker.ts";

/** A unit that is done. */
export interface DoneUnit {
  readonly planned: PlannedUnit;
  readonly done: PackDone;
}

/** A part of a pack that is done. Contents and files are numbered from its start. */
export interface PackedPart {
  /** How many contents it has, and how many of them are small files. */
  readonly contents: number;
  readonly files: number;
  /** In the order of the plan. */
  readonly units: readonly DoneUnit[];
  /** Every chunk that the units name, once. */
  readonly refs: readonly SentRef[];
}

/** Where in a pack a part begins. */
export interface PartStart {
  /** Number of its first content. */
  readonly content: number;
  /** Index of its first small file. */
  readonly file: number;
  /** What keeps its files from sharing content with those of other parts. */
  readonly scope: number;
}

/** A part of a pack under way. */
export interface FedPart {
  readonly start: PartStart;
  contents: number;
  files: number;
  /** `done` is there when the unit is. */
  readonly units: { readonly planned: PlannedUnit; done?: PackDone }[];
}

const KEY_SIZE = 32;
const NO_BYTES = new Uint8Array(0);

/**
 * Describes a part whose units are all done.
 *
 * @param refOf The chunk of a key, in hexadecimal: another part may have sealed it.
 */
export function describePart(
  part: FedPart,
  refOf: (key: string) => SentRef | undefined,
): PackedPart {
  const { start, contents, files } = part;
  const back = { content: -start.content, file: -start.file, scope: 0 };
  const refs = new Map<string, SentRef>();
  const units = part.units.map(({ planned, done }) => {
    if (done === undefined || done.kind === "digest") {
      throw new TypeError("Cannot describe a part that is not done");
    }
    for (let at = 0; at < done.keys.length; at += KEY_SIZE) {
      const key = done.keys.subarray(at, at + KEY_SIZE).toHex();
      const ref = refOf(key);
      if (ref === undefined) throw new TypeError("Cannot describe a part with unknown chunks");
      refs.set(key, ref);
    }
    return movedUnit({ planned, done }, back);
  });
  return { contents, files, units, refs: [...refs.values()] };
}

/** `unit` of a part, numbered as in a pack in which the part begins at `by`. */
export function movedUnit({ planned, done }: DoneUnit, by: PartStart): DoneUnit {
  const inos = planned.inos.map((content) => content + by.content);
  const { unit } = planned;
  const nothing = { refs: [], present: 0, storedBytes: 0 };
  if (unit.kind === "contents" && done.kind === "files") {
    const moved: FilesDone = {
      ...done,
      ...nothing,
      // Numbers of files start at 1; 0 says that there is none.
      duplicateOf: done.duplicateOf.map((file) => file === 0 ? 0 : file + by.file),
    };
    const firstFile = unit.firstFile + by.file;
    const { lengths } = unit;
    return {
      planned: {
        unit: { kind: "contents", turn: 0, firstFile, scope: by.scope, lengths, content: NO_BYTES },
        inos,
      },
      done: moved,
    };
  }
  if (unit.kind === "chunks" && done.kind === "segment") {
    const moved: SegmentDone = { ...done, ...nothing };
    return { planned: { unit: { ...unit, content: NO_BYTES }, inos }, done: moved };
  }
  throw new TypeError(`Cannot pack a ${unit.kind} unit again without its bytes`);
}

/** Parts with some of the units each, that {@link joinParts} makes one again. */
export function splitPart(part: PackedPart, unitsMax: number): PackedPart[] {
  const { contents, files, units, refs } = part;
  const parts: PackedPart[] = [{ contents, files, units: units.slice(0, unitsMax), refs }];
  for (let at = unitsMax; at < units.length; at += unitsMax) {
    parts.push({ contents, files, units: units.slice(at, at + unitsMax), refs: [] });
  }
  return parts;
}

/** One part of what {@link splitPart} gave: at least one. */
export function joinParts(parts: readonly PackedPart[]): PackedPart {
  const { contents, files, refs } = parts[0]!;
  return { contents, files, units: parts.flatMap(({ units }) => units), refs };
}

/** A {@link PackedPart} as JSON can hold it. */
export interface PackedPartDocument {
  readonly contents: number;
  readonly files: number;
  readonly units: readonly (FilesDocument | ChunksDocument)[];
  /** Identifier, key in hexadecimal, and sizes. */
  readonly refs: readonly (readonly [string, string, number, number])[];
}

interface FilesDocument {
  readonly kind: "contents";
  readonly firstFile: number;
  readonly inos: readonly number[];
  readonly lengths: readonly number[];
  readonly keys: string;
  readonly sizes: readonly number[];
  readonly chunkOf: readonly number[];
  readonly offsets: readonly number[];
  readonly duplicateOf: readonly number[];
  readonly digests: string;
}

interface ChunksDocument {
  readonly kind: "chunks";
  readonly inos: readonly number[];
  readonly keys: string;
  readonly sizes: readonly number[];
  readonly fileOffsets: readonly number[];
  readonly digest?: string;
}

/** `part` as JSON can hold it. */
export function encodePart({ contents, files, units, refs }: PackedPart): PackedPartDocument {
  return {
    contents,
    files,
    units: units.map(({ planned: { unit, inos }, done }) => {
      if (unit.kind === "contents" && done.kind === "files") {
        const { firstFile, lengths } = unit;
        const { keys, sizes, chunkOf, offsets, duplicateOf, digests } = done;
        return {
          kind: "contents",
          firstFile,
          inos,
          lengths: [...lengths],
          keys: keys.toBase64(),
          sizes: [...sizes],
          chunkOf: [...chunkOf],
          offsets: [...offsets],
          duplicateOf: [...duplicateOf],
          digests: digests.toBase64(),
        };
      }
      if (done.kind !== "segment") throw new TypeError(`Cannot keep a ${unit.kind} unit`);
      const { keys, sizes, fileOffsets, digest } = done;
      return {
        kind: "chunks",
        inos,
        keys: keys.toBase64(),
        sizes: [...sizes],
        fileOffsets: [...fileOffsets],
        ...(digest === undefined ? {} : { digest: digest.toHex() }),
      };
    }),
    refs: refs.map(({ id, key, size, storedSize }) => [id, key.toHex(), size, storedSize]),
  };
}

/** The part that {@link encodePart} made `document` of. */
export function decodePart({ contents, files, units, refs }: PackedPartDocument): PackedPart {
  const nothing = { refs: [], present: 0, storedBytes: 0 };
  return {
    contents,
    files,
    units: units.map((unit): DoneUnit => {
      const keys = Uint8Array.fromBase64(unit.keys);
      const sizes = Float64Array.from(unit.sizes);
      if (unit.kind === "contents") {
        return {
          planned: {
            unit: {
              kind: "contents",
              turn: 0,
              firstFile: unit.firstFile,
              scope: 0,
              lengths: Uint32Array.from(unit.lengths),
              content: NO_BYTES,
            },
            inos: unit.inos,
          },
          done: {
            kind: "files",
            ...nothing,
            keys,
            sizes,
            chunkOf: Int32Array.from(unit.chunkOf),
            offsets: Uint32Array.from(unit.offsets),
            duplicateOf: Int32Array.from(unit.duplicateOf),
            digests: Uint8Array.fromBase64(unit.digests),
            changed: [],
          },
        };
      }
      const fileOffsets = Float64Array.from(unit.fileOffsets);
      const digest = unit.digest === undefined ? undefined : Uint8Array.fromHex(unit.digest);
      return {
        planned: {
          unit: { kind: "chunks", fileOffsets, sizes, digest, content: NO_BYTES },
          inos: unit.inos,
        },
        done: {
          kind: "segment",
          ...nothing,
          keys,
          fileOffsets,
          sizes,
          digest,
          endReached: Infinity,
          changed: [],
        },
      };
    }),
    refs: refs.map(([id, key, size, storedSize]) => ({
      id,
      key: Uint8Array.fromHex(key),
      size,
      storedSize,
    })),
  };
}
