/**
 * Goal: what a real kernel asks is understood, and our replies are those that libfuse gives. Method:
 * requests and replies that were recorded by make_exchanges.py; the file system here knows what the
 * replies say, and nothing about how they are written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fromHex } from "../../../lib/base/bytes.ts";
import type { DirectoryPage } from "../../../lib/fuse/directory_page.ts";
import { Dispatcher } from "../../../lib/fuse/dispatcher.ts";
import {
  type AttributeTarget,
  DONE,
  type FileSystem,
  type ReadReply,
} from "../../../lib/fuse/file_system.ts";
import { OPCODES } from "../../../lib/fuse/opcodes.ts";
import {
  ATTR,
  ATTR_OUT,
  ATTRIBUTE_WORDS,
  decodeStruct,
  DIRENT,
  encodeAttributes,
  ENTRY_OUT,
  IN_HEADER,
  INIT_OUT,
  OUT_HEADER,
  READ_IN,
} from "../../../lib/fuse/wire_structs.ts";
import { ENODATA, ENOENT } from "../../../lib/linux/errno.ts";
import exchanges from "./exchanges.json" with { type: "json" };

interface Exchange {
  readonly opcode: string;
  readonly node: number;
  readonly request: Uint8Array;
  /** With its header. */
  readonly reply: Uint8Array;
  readonly error: number;
}

function load(recorded: readonly { request: string; reply: string | null }[]): Exchange[] {
  return recorded.filter(({ reply }) => reply !== null).map(({ request, reply }) => {
    const bytes = { request: fromHex(request), reply: fromHex(reply!) };
    const { opcode, nodeid } = decodeStruct(IN_HEADER, bytes.request);
    const { error } = decodeStruct(OUT_HEADER, bytes.reply);
    return { ...bytes, opcode: OPCODES[opcode]!.name, node: Number(nodeid), error };
  });
}

const HEADER = OUT_HEADER.size;

/** Says what the recorded replies say. */
class RecordedFileSystem implements FileSystem {
  readonly features = {};
  readonly #exchanges: readonly Exchange[];
  readonly #attributes = new Map<number, Uint8Array>();

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = exchanges;
    for (const { opcode, node, reply, error } of exchanges) {
      if (error !== 0) continue;
      if (opcode === "GETATTR") this.#learn(node, reply, HEADER + ATTR_OUT.at.attr);
      if (opcode === "LOOKUP") {
        const { nodeid } = decodeStruct(ENTRY_OUT, reply, HEADER);
        if (nodeid !== 0n) this.#learn(Number(nodeid), reply, HEADER + ENTRY_OUT.at.attr);
      }
    }
  }

  #learn(node: number, reply: Uint8Array, at: number): void {
    this.#attributes.set(node, reply.slice(at, at + ATTR.size));
  }

  /** Attributes by way of our own encoder, so that it is tested too. */
  #give(attributes: Uint8Array, found: AttributeTarget): number {
    const of = decodeStruct(ATTR, attributes);
    const words = new Uint32Array(ATTRIBUTE_WORDS);
    encodeAttributes(words, 0, {
      ino: Number(of.ino),
      size: Number(of.size),
      blocks: Number(of.blocks),
      mtime: Number(of.mtime),
      mtimeNsec: of.mtimensec,
      mode: of.mode,
      linkCount: of.nlink,
      uid: of.uid,
      gid: of.gid,
      deviceNumber: of.rdev,
    });
    // Policy of each file system, not a matter of the protocol.
    words[ATTR.at.blksize / 4] = of.blksize;
    found.copyFrom(words, 0);
    return DONE;
  }

  #of(opcode: string, node: number): Uint8Array | number {
    const found = this.#exchanges.find((one) => one.opcode === opcode && one.node === node);
    if (found === undefined) return ENOENT;
    return found.error === 0 ? found.reply.slice(HEADER) : -found.error;
  }

  lookup(directory: number, name: Uint8Array, found: AttributeTarget): number {
    const asked = new TextDecoder().decode(name);
    const one = this.#exchanges.find((one) =>
      one.opcode === "LOOKUP" && one.node === directory &&
      new TextDecoder().decode(one.request.subarray(IN_HEADER.size, -1)) === asked
    )!;
    if (one.error !== 0) return -one.error;
    const { nodeid } = decodeStruct(ENTRY_OUT, one.reply, HEADER);
    return nodeid === 0n ? ENOENT : this.#give(this.#attributes.get(Number(nodeid))!, found);
  }

  getAttributes(ino: number, found: AttributeTarget): number {
    return this.#give(this.#attributes.get(ino)!, found);
  }

  readDirectory(directory: number, offset: number, page: DirectoryPage): number {
    const opcode = page.hasAttributes ? "READDIRPLUS" : "READDIR";
    const one = this.#exchanges.find((one) =>
      one.opcode === opcode && one.node === directory &&
      Number(decodeStruct(READ_IN, one.request, IN_HEADER.size).offset) === offset
    )!;
    for (let at = HEADER; at < one.reply.length;) {
      const attributes = new Uint32Array(ATTRIBUTE_WORDS);
      if (page.hasAttributes) {
        const bytes = one.reply.slice(at + ENTRY_OUT.at.attr, at + ENTRY_OUT.size);
        attributes.set(new Uint32Array(bytes.buffer));
        at += ENTRY_OUT.size;
      }
      const { ino, off, namelen, type } = decodeStruct(DIRENT, one.reply, at);
      const name = one.reply.subarray(at + DIRENT.size, at + DIRENT.size + namelen);
      attributes[0] = Number(ino);
      if (!page.hasAttributes) attributes[ATTR.at.mode / 4] = type << 12;
      const text = new TextDecoder().decode(name);
      if (text === "." || text === "..") {
        page.addDots(text.length === 1 ? 1 : 2, Number(ino), Number(off));
      } else page.add(name, 0, namelen, attributes, 0, Number(off));
      at += (DIRENT.size + namelen + 7) & ~7;
    }
    return DONE;
  }

  readLink(ino: number): Uint8Array | number {
    return this.#of("READLINK", ino);
  }

  read(ino: number, _offset: number, _size: number, reply: ReadReply): number {
    const content = this.#of("READ", ino);
    if (typeof content === "number") return content;
    reply.bytes.set(content, reply.at);
    reply.length = content.length;
    return DONE;
  }

  getXattr(_ino: number, name: Uint8Array): Uint8Array | number {
    const isThere = new TextDecoder().decode(name) === "user.color";
    return isThere ? new TextEncoder().encode("blue") : ENODATA;
  }

  listXattr(ino: number): Uint8Array | number {
    return this.#of("LISTXATTR", ino);
  }

  statFileSystem(): { sizeBytes: number; inodeCount: number } {
    return { sizeBytes: 131072, inodeCount: 6 };
  }
}

/** What we do otherwise on purpose, or what each program decides for itself. */
const OWN_WAY = new Set(["INIT", "OPEN", "OPENDIR", "IOCTL", "STATFS", "FLUSH", "RELEASEDIR"]);

/** Sets how long things may be kept to 0, and the answer to an unknown name to its inode number. */
function withoutPolicy(opcode: string, reply: Uint8Array): Uint8Array {
  const copy = reply.slice();
  if (copy.length <= HEADER) return copy;
  const clear = (at: number): void => {
    copy.fill(0, at + ENTRY_OUT.at.entry_valid, at + ENTRY_OUT.at.attr);
  };
  if (opcode === "LOOKUP") {
    if (copy.subarray(HEADER, HEADER + 8).every((byte) => byte === 0)) copy.fill(0, HEADER);
    else clear(HEADER);
  } else if (opcode === "GETATTR") copy.fill(0, HEADER, HEADER + ATTR_OUT.at.attr);
  else if (opcode === "READDIRPLUS") {
    for (let at = HEADER; at < copy.length;) {
      clear(at);
      const { namelen } = decodeStruct(DIRENT, copy, at + ENTRY_OUT.size);
      at += (ENTRY_OUT.size + DIRENT.size + namelen + 7) & ~7;
    }
  }
  return copy;
}

for (const [program, recorded] of Object.entries(exchanges)) {
  const all = load(recorded);
  const dispatcher = new Dispatcher(new RecordedFileSystem(all), {
    onFault: (error) => {
      throw error;
    },
  });
  for (const [index, { opcode, request, reply, error }] of all.entries()) {
    Deno.test(`exchanges: ${program} ${index}, ${opcode}: the same reply`, () => {
      dispatcher.request.set(request);
      const size = dispatcher.dispatch(request.length);
      const ours = dispatcher.reply.slice(0, size);
      if (OWN_WAY.has(opcode)) {
        // It is an answer to this request all the same.
        assert.deepEqual(ours.slice(8, HEADER), reply.slice(8, HEADER));
        assert.equal(decodeStruct(OUT_HEADER, ours).len, size);
        return;
      }
      assert.equal(decodeStruct(OUT_HEADER, ours).error, error);
      assert.deepEqual(withoutPolicy(opcode, ours), withoutPolicy(opcode, reply));
    });
  }

  Deno.test(`exchanges: ${program}, INIT: the size and version that the kernel expects`, () => {
    const init = all.find(({ opcode }) => opcode === "INIT")!;
    dispatcher.request.set(init.request);
    const size = dispatcher.dispatch(init.request.length);
    assert.equal(size, init.reply.length);
    const ours = decodeStruct(INIT_OUT, dispatcher.reply, HEADER);
    const theirs = decodeStruct(INIT_OUT, init.reply, HEADER);
    assert.equal(ours.major, theirs.major);
    assert.ok(ours.minor >= theirs.minor);
    assert.equal(ours.max_readahead, theirs.max_readahead);
  });
}
