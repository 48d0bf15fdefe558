/**
 * The thread that does the work of an unpack: fetches blocks that are on this machine, opens each
 * once, and writes all files that need it.
 *
 * @module
 */

import { type Bytes, releaseBytes } from "../base/bytes.ts";
import { displayByteString } from "../base/byte_string.ts";
import { type Failure, toFailure } from "../base/errors.ts";
import type { BlockCodec } from "../block/block_codec.ts";
import { BlockKey, type BlockRef, parseBlockId } from "../block/block_ref.ts";
import { FlistReader } from "../flist/flist_reader.ts";
import { openRootDirectory } from "../linux/directory_cursor.ts";
import { libc } from "../linux/libc.ts";
import { LocalBlocks } from "../store/local_blocks.ts";
import { DirectorySink } from "../tree/directory_sink.ts";
import { joinPath } from "../tree/directory_source.ts";
import type { EntryMetadata } from "../tree/tree_entry.ts";
import { openFlistCodec } from "./flist_codec.ts";
import type { StopFlag } from "./stop_flag.ts";
import {
  FILE_FIELDS,
  isBlockFault,
  isFatal,
  PIECE_FIELDS,
  type UnpackDone,
  type UnpackTask,
  type UnpackUnit,
  type UnpackWorkerSetup,
} from "./unpack_messages.ts";
import { serveTasks, type TaskServer } from "./worker_pool.ts";

class UnpackWorker implements TaskServer<UnpackTask, UnpackDone> {
  readonly #stop: StopFlag;
  readonly #rootFd: number;
  readonly #codec: BlockCodec;
  readonly #blocks: LocalBlocks | undefined;
  readonly #sink: DirectorySink;
  #plain: Bytes = new Uint8Array(2 * 1024 * 1024);
  #losses: { what: string; path: string }[] = [];

  constructor(setup: UnpackWorkerSetup, stop: StopFlag) {
    this.#stop = stop;
    this.#codec = openFlistCodec(setup.codec);
    this.#blocks = setup.placement === undefined ? undefined : new LocalBlocks(setup.placement);
    this.#rootFd = openRootDirectory(setup.root);
    this.#sink = new DirectorySink(this.#rootFd, {
      preserveOwnership: setup.preserveOwnership,
      onLoss: (what, path) => this.#losses.push({ what, path }),
    });
  }

  handle(task: UnpackTask): { result: UnpackDone; transfer: Transferable[] } {
    const result = "validate" in task ? validate(task.validate) : this.#write(task);
    return { result, transfer: [] };
  }

  close(): void {
    this.#sink[Symbol.dispose]();
    libc().close(this.#rootFd);
  }

  #write(unit: UnpackUnit): UnpackDone {
    // A file of several pieces stays open while its pieces follow each other.
    const open = { file: -1, fd: -1 };
    try {
      return this.#writePieces(unit, open);
    } finally {
      closeIfOpen(open);
    }
  }

  #writePieces(unit: UnpackUnit, open: { file: number; fd: number }): UnpackDone {
    this.#losses = [];
    const directories = unit.directories.flatMap(({ path, files }) =>
      new Array<string>(files).fill(path)
    );
    const failures = new Map<number, Failure>();
    let bytesWritten = 0;
    let blocksRead = 0;
    let blockBytes = 0;
    const { pieces } = unit;
    let at = 0;
    unit.chunks.forEach((chunk, index) => {
      this.#stop.throwIfRaised();
      let plain: Bytes | undefined;
      let fault: Failure | undefined = chunk.failure;
      try {
        const ref = {
          id: parseBlockId(chunk.id),
          key: BlockKey.fromBytes(chunk.key),
          size: chunk.size,
        };
        if (fault === undefined) {
          const block = chunk.block ?? this.#fetch(ref);
          blocksRead++;
          blockBytes += block.length;
          plain = this.#codec.open(ref, block, { target: this.#target(chunk.size) });
          releaseBytes(block);
        }
      } catch (error) {
        if (!isBlockFault(error)) throw error;
        fault = toFailure("", error);
      }
      for (; at < pieces.length && pieces[at] === index; at += PIECE_FIELDS) {
        const file = pieces[at + 1]!;
        if (failures.has(file)) continue;
        const directory = directories[file]!;
        const path = joinPath(directory, unit.names[file]!);
        if (plain === undefined) {
          failures.set(file, { ...fault!, path: displayByteString(path) });
          continue;
        }
        const fileOffset = pieces[at + 2]!;
        const chunkOffset = pieces[at + 3]!;
        const length = pieces[at + 4]!;
        const content = plain.subarray(chunkOffset, chunkOffset + length);
        try {
          if (unit.fields[file * FILE_FIELDS + 6] === 1) {
            this.#writeWhole(unit, file, directory, path, content);
          } else {
            if (open.file !== file) {
              closeIfOpen(open);
              open.fd = this.#sink.openFile(directory, unit.names[file]!);
              open.file = file;
            }
            this.#sink.writeAt(open.fd, content, fileOffset, path);
          }
          bytesWritten += length;
        } catch (error) {
          if (isFatal(error)) throw error;
          failures.set(file, toFailure(displayByteString(path), error));
        }
      }
    });
    return {
      failures: Array.from(failures, ([file, failure]) => ({ file, failure })),
      losses: this.#losses,
      bytesWritten,
      blocksRead,
      blockBytes,
    };
  }

  /** Memory for one chunk, used again for the next: new memory costs a fifth of the opening. */
  #target(size: number): Bytes {
    if (this.#plain.length < size) this.#plain = new Uint8Array(size);
    return this.#plain.subarray(0, size);
  }

  #fetch({ id }: BlockRef): Bytes {
    // The check on fetching lets a replica take the place of a damaged copy.
    return this.#blocks!.get(id, (block) => this.#codec.verifyId(id, block));
  }

  #writeWhole(
    unit: UnpackUnit,
    file: number,
    directory: string,
    path: string,
    content: Bytes,
  ): void {
    const name = unit.names[file]!;
    const fd = this.#sink.createFile(directory, name);
    try {
      this.#sink.writeAt(fd, content, 0, path);
      this.#sink.finishFile(
        fd,
        directory,
        name,
        metadataOf(unit.fields, file),
        unit.xattrs.get(file),
      );
    } finally {
      libc().close(fd);
    }
  }
}

function closeIfOpen(open: { file: number; fd: number }): void {
  if (open.fd >= 0) libc().close(open.fd);
  open.fd = -1;
  open.file = -1;
}

function metadataOf(fields: Float64Array, file: number): EntryMetadata {
  const at = file * FILE_FIELDS;
  return {
    mode: fields[at]!,
    uid: fields[at + 1]!,
    gid: fields[at + 2]!,
    size: fields[at + 3]!,
    mtime: fields[at + 4]!,
    mtimeNsec: fields[at + 5]!,
    rdev: 0,
  };
}

/** What a task answers that wrote nothing. */
const NOTHING_DONE: UnpackDone = {
  failures: [],
  losses: [],
  bytesWritten: 0,
  blocksRead: 0,
  blockBytes: 0,
};

function validate(path: string): UnpackDone {
  using flist = FlistReader.open(path);
  flist.validate({ allowIncomplete: true });
  return NOTHING_DONE;
}

serveTasks<UnpackWorkerSetup, UnpackTask, UnpackDone>((setup, stop) =>
  new UnpackWorker(setup, stop)
);
