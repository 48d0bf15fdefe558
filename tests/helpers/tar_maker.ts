/**
 * Tar archives made by hand, block by block: also such as no program would write.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { concatBytes } from "../../lib/base/bytes.ts";
import { encodeByteString } from "../../lib/base/byte_string.ts";
import type { LayerSource } from "../../lib/oci/layer_source.ts";

/** An entry; what is not told is as for a plain file. */
export interface MadeEntry {
  readonly name: string;
  readonly type?: string;
  readonly content?: string | Uint8Array;
  /** Said of the size, where it is not the content's. */
  readonly size?: number;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** Changes the header before its checksum is made. */
  readonly edit?: (header: Uint8Array) => void;
  /** Records of a PAX header that goes before. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>;
}

const BLOCK = 512;

/** The end of an archive. */
export const TAR_END = new Uint8Array(2 * BLOCK);

/** An archive of `entries`. */
export function makeTar(...entries: readonly MadeEntry[]): Uint8Array<ArrayBuffer> {
  return concatBytes([...entries.map(makeEntry), TAR_END]);
}

/** The blocks of one entry. */
export function makeEntry(entry: MadeEntry): Uint8Array<ArrayBuffer> {
  const content = toBytes(entry.content ?? "");
  const blocks = [header(entry, content.length), padded(content)];
  if (entry.pax !== undefined) {
    const records = concatBytes(
      Object.entries(entry.pax).map(([key, value]) => record(key, toBytes(value))),
    );
    blocks.unshift(makeEntry({ name: "PaxHeader", type: "x", content: records }));
  }
  return concatBytes(blocks);
}

/** Writes `text` into a header. */
export function setField(header: Uint8Array, at: number, text: string): void {
  header.set(encodeByteString(text), at);
}

/** Gives a header the checksum that it should have. */
export function setChecksum(block: Uint8Array): void {
  setField(block, 148, "        ");
  const sum = block.reduce((total, byte) => total + byte, 0);
  setField(block, 148, `${sum.toString(8).padStart(6, "0")}\0 `);
}

function header(entry: MadeEntry, length: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const octal = (at: number, digits: number, value: number): void =>
    setField(block, at, value.toString(8).padStart(digits, "0"));
  setField(block, 0, entry.name);
  octal(100, 7, entry.mode ?? 0o644);
  octal(108, 7, entry.uid ?? 0);
  octal(116, 7, entry.gid ?? 0);
  octal(124, 11, entry.size ?? length);
  octal(136, 11, entry.mtime ?? 1_700_000_000);
  setField(block, 156, entry.type ?? "0");
  setField(block, 157, entry.link ?? "");
  setField(block, 257, "ustar\x0000");
  entry.edit?.(block);
  setChecksum(block);
  return block;
}

function record(key: string, value: Uint8Array): Uint8Array {
  const rest = encodeByteString(` ${key}=`);
  const bare = rest.length + value.length + 1;
  let length = bare + String(bare).length;
  length = bare + String(length).length;
  return concatBytes([encodeByteString(String(length)), rest, value, encodeByteString("\n")]);
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / BLOCK) * BLOCK);
  whole.set(bytes);
  return whole;
}

function toBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? encodeByteString(content) : content;
}

/** `bytes` as a stream of pieces of `size` bytes. */
export async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

/** A layer, and how often it was opened. */
export interface MadeLayer extends LayerSource {
  readonly stored: Uint8Array;
  opened: number;
}

/** A gzipped layer of `entries`. */
export function makeLayer(...entries: readonly MadeEntry[]): MadeLayer {
  return layerOf(gzipSync(makeTar(...entries)));
}

/** A layer that is stored as `stored`. */
export function layerOf(stored: Uint8Array): MadeLayer {
  const layer: MadeLayer = {
    digest: `sha256:${createHash("sha256").update(stored).digest("hex")}`,
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    stored,
    opened: 0,
    open(): AsyncIterable<Uint8Array> {
      layer.opened++;
      return inPieces(stored, 4096);
    },
  };
  return layer;
}
