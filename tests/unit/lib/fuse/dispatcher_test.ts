/**
 * Goal: every request gets the reply that the kernel expects, whatever the file system does. Method:
 * bytes in, bytes out; no kernel.
 */

import assert from "node:assert/strict";
import { decodeByteString, encodeByteString } from "../../../../lib/base/byte_string.ts";
import {
  ACCESS_IN,
  ATTR,
  ATTR_OUT,
  BATCH_FORGET_IN,
  decodeStruct,
  DIRENT,
  ENTRY_OUT,
  FLUSH_IN,
  FORGET_IN,
  FORGET_ONE,
  GETATTR_IN,
  GETXATTR_IN,
  GETXATTR_OUT,
  INTERRUPT_IN,
  LSEEK_IN,
  LSEEK_OUT,
  OPEN_IN,
  READ_IN,
  RELEASE_IN,
  STATFS_OUT,
  STATX,
  STATX_IN,
  STATX_OUT,
} from "../../../../lib/fuse/wire_structs.ts";
import type { FileSystem } from "../../../../lib/fuse/file_system.ts";
import {
  EINVAL,
  EIO,
  EISDIR,
  ENODATA,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  ENOTTY,
  ENXIO,
  ERANGE,
  EROFS,
} from "../../../../lib/linux/errno.ts";
import { OPCODE_NUMBERS, OPCODES } from "../../../../lib/fuse/opcodes.ts";
import {
  fillContent,
  MemoryFileSystem,
  MTIME,
  MTIME_NSEC,
} from "../../../helpers/memory_file_system.ts";
import { bytesOf, Conversation, nameOf, requestOf } from "./fuse_requests.ts";

const TREE = { directories: 2, filesEach: 3, fileSize: 5000, many: 1000, largeSize: 3_000_000 };
const fileSystem = new MemoryFileSystem(TREE);
const kernel = new Conversation(fileSystem);
const ino = (path: string): number => fileSystem.inoOf(path)!;
/** For ever, as near as makes no difference. */
const LONG = 2n ** 30n;

Deno.test("dispatcher: LOOKUP gives the inode and its attributes for ever", () => {
  const { error, body } = kernel.ask("LOOKUP", 1, nameOf("dir0001"));
  const entry = decodeStruct(ENTRY_OUT, body);
  const attributes = decodeStruct(ATTR, body, ENTRY_OUT.at.attr);
  assert.equal(error, 0);
  assert.deepEqual([entry.nodeid, entry.generation], [BigInt(ino("dir0001")), 0n]);
  assert.ok(entry.entry_valid > LONG && entry.attr_valid > LONG);
  assert.equal(attributes.ino, entry.nodeid);
  assert.deepEqual([attributes.mode, attributes.nlink], [0o040755, 2]);
  assert.deepEqual([attributes.mtime, attributes.mtimensec], [BigInt(MTIME), MTIME_NSEC]);
});

Deno.test("dispatcher: LOOKUP of an unknown name lets the kernel remember that there is none", () => {
  // After another reply, so that nothing of it is left in the buffer.
  kernel.ask("LOOKUP", 1, nameOf("dir0001"));
  const { error, body } = kernel.ask("LOOKUP", 1, nameOf("absent"));
  const entry = decodeStruct(ENTRY_OUT, body);
  assert.equal(error, 0);
  assert.equal(entry.nodeid, 0n);
  assert.ok(entry.entry_valid > LONG);
  assert.ok(body.subarray(ENTRY_OUT.at.attr).every((byte) => byte === 0));
});

Deno.test("dispatcher: LOOKUP takes any bytes as a name, and errors of the file system pass", () => {
  const odd = encodeByteString("not utf-8 \udcff\udc80\0");
  const { body } = kernel.ask("LOOKUP", ino("odd"), odd);
  assert.equal(decodeStruct(ENTRY_OUT, body).nodeid, BigInt(ino("odd/not utf-8 \udcff\udc80")));
  assert.equal(kernel.ask("LOOKUP", ino("large"), nameOf("x")).error, ENOTDIR);
});

Deno.test("dispatcher: GETATTR gives attributes, and ENOENT for numbers that nobody has", () => {
  const { body } = kernel.ask("GETATTR", ino("odd/device"), bytesOf(GETATTR_IN, {}));
  assert.ok(decodeStruct(ATTR_OUT, body).attr_valid > LONG);
  const { mode, rdev } = decodeStruct(ATTR, body, ATTR_OUT.at.attr);
  assert.deepEqual([mode, rdev], [0o020666, (70_000 & 0xff) | 300 << 8 | (70_000 & 0xfff00) << 12]);
  for (const unknown of [0, 999_999, 2 ** 53 - 1]) {
    assert.equal(kernel.ask("GETATTR", unknown, bytesOf(GETATTR_IN, {})).error, ENOENT);
  }
});

Deno.test("dispatcher: STATX gives the same attributes, where the file system answers it", () => {
  const input = bytesOf(STATX_IN, { sx_mask: 0xfff });
  assert.equal(kernel.ask("STATX", 1, input).error, ENOSYS);
  const answering = new Conversation(new MemoryFileSystem(TREE, { statx: true }));
  const { error, body } = answering.ask("STATX", ino("odd/device"), input);
  assert.deepEqual([error, body.length], [0, STATX_OUT.size]);
  const stat = decodeStruct(STATX, body, STATX_OUT.at.stat);
  const expected = fileSystem.attributesOf(ino("odd/device"));
  assert.deepEqual(
    [stat.ino, stat.mode, stat.nlink, stat.rdev_major, stat.rdev_minor, stat.mask],
    [BigInt(expected.ino), expected.mode, 1, 300, 70_000, 0x7ff],
  );
  const time = new DataView(body.buffer, body.byteOffset + STATX_OUT.at.stat + STATX.at.mtime);
  assert.deepEqual([time.getBigInt64(0, true), time.getUint32(8, true)], [
    BigInt(MTIME),
    MTIME_NSEC,
  ]);
});

Deno.test("dispatcher: READLINK gives the target, and EINVAL for what is no link", () => {
  const target = (path: string): string =>
    new TextDecoder().decode(kernel.ask("READLINK", ino(path)).body);
  assert.equal(target("odd/link"), "linked");
  assert.equal(target("odd/long link").length, 4095);
  assert.equal(kernel.ask("READLINK", ino("large")).error, EINVAL);
});

Deno.test("dispatcher: READ gives the bytes at the offset, fewer at the end, none beyond", () => {
  const read = (offset: number, size: number): Uint8Array =>
    kernel.ask("READ", ino("large"), bytesOf(READ_IN, { offset: BigInt(offset), size })).body;
  const expected = new Uint8Array(1000);
  fillContent(expected, ino("large"), 123_456);
  assert.deepEqual(read(123_456, 1000), expected);
  assert.equal(read(0, 1024 * 1024).length, 1024 * 1024);
  assert.equal(read(TREE.largeSize - 5, 4096).length, 5);
  assert.equal(read(TREE.largeSize, 4096).length, 0);
  assert.equal(kernel.ask("READ", 1, bytesOf(READ_IN, { size: 10 })).error, EISDIR);
});

Deno.test("dispatcher: READ of more than fits is cut, not overrun", () => {
  const { error, body } = kernel.ask("READ", ino("large"), bytesOf(READ_IN, { size: 0xffff_ffff }));
  assert.deepEqual([error, body.length], [0, 1024 * 1024]);
});

Deno.test("dispatcher: a READ that is put off gets no answer now, and its number is passed on", () => {
  const waiting: bigint[] = [];
  const slow = new MemoryFileSystem(TREE);
  slow.onSlowRead = (low, high) => waiting.push(BigInt(high) << 32n | BigInt(low));
  const request = requestOf("READ", ino("slow"), bytesOf(READ_IN, { size: 10 }));
  // The number of a request that is asked again has its highest bit set.
  new DataView(request.buffer).setBigUint64(8, 2n ** 63n + 6n, true);
  assert.equal(new Conversation(slow).send(request), undefined);
  assert.deepEqual(waiting, [2n ** 63n + 6n]);
});

/** Entries of a directory's page, and the offset behind the last. */
function entries(body: Uint8Array, plus: boolean): { name: string; ino: bigint; off: bigint }[] {
  const found = [];
  for (let at = 0; at < body.length;) {
    if (plus) at += ENTRY_OUT.size;
    const { ino, off, namelen } = decodeStruct(DIRENT, body, at);
    const name = body.subarray(at + DIRENT.size, at + DIRENT.size + namelen);
    found.push({ name: decodeByteString(name), ino, off });
    at += (DIRENT.size + namelen + 7) & ~7;
  }
  return found;
}

for (const opcode of ["READDIR", "READDIRPLUS"]) {
  Deno.test(`dispatcher: ${opcode} gives each entry once, in pages of any size`, () => {
    for (const size of [400, 4096, 100_000]) {
      const names: string[] = [];
      for (let offset = 0n;;) {
        const input = bytesOf(READ_IN, { offset, size });
        const { error, body } = kernel.ask(opcode, ino("many"), input);
        assert.equal(error, 0);
        assert.ok(body.length <= size);
        const page = entries(body, opcode === "READDIRPLUS");
        if (page.length === 0) break;
        names.push(...page.map(({ name }) => name));
        offset = page.at(-1)!.off;
      }
      assert.deepEqual(names.slice(0, 3), [".", "..", "entry-000000"]);
      assert.equal(new Set(names).size, TREE.many + 2);
      assert.equal(names.length, TREE.many + 2);
    }
  });

  Deno.test(`dispatcher: ${opcode} of what is no directory is ENOTDIR`, () => {
    assert.equal(kernel.ask(opcode, ino("large"), bytesOf(READ_IN, { size: 4096 })).error, ENOTDIR);
  });
}

Deno.test("dispatcher: READDIRPLUS gives the attributes that LOOKUP gives, but for the dots", () => {
  const { body } = kernel.ask("READDIRPLUS", ino("odd"), bytesOf(READ_IN, { size: 100_000 }));
  let at = 0;
  let compared = 0;
  for (const { name } of entries(body, true)) {
    const entry = body.subarray(at, at + ENTRY_OUT.size);
    if (name === "." || name === "..") assert.ok(entry.every((byte) => byte === 0));
    else {
      const looked = kernel.ask("LOOKUP", ino("odd"), encodeByteString(`${name}\0`)).body;
      assert.deepEqual(entry, looked);
      compared++;
    }
    const { namelen } = decodeStruct(DIRENT, body, at + ENTRY_OUT.size);
    at += (ENTRY_OUT.size + DIRENT.size + namelen + 7) & ~7;
  }
  assert.ok(compared > 10);
});

Deno.test("dispatcher: GETXATTR and LISTXATTR tell the length first, then the value, or ERANGE", () => {
  const node = ino("odd/with xattrs");
  const get = (size: number, name: string) =>
    kernel.ask("GETXATTR", node, bytesOf(GETXATTR_IN, { size }), nameOf(name));
  assert.equal(decodeStruct(GETXATTR_OUT, get(0, "user.first").body).size, 5);
  assert.equal(new TextDecoder().decode(get(5, "user.first").body), "value");
  assert.equal(get(4, "user.first").error, ERANGE);
  assert.deepEqual([get(10, "user.empty").error, get(10, "user.empty").body.length], [0, 0]);
  assert.equal(get(10, "user.absent").error, ENODATA);
  const list = (size: number) => kernel.ask("LISTXATTR", node, bytesOf(GETXATTR_IN, { size }));
  assert.equal(new TextDecoder().decode(list(100).body), "user.first\0user.empty\0user.long\0");
  assert.equal(list(5).error, ERANGE);
  assert.equal(decodeStruct(GETXATTR_OUT, list(0).body).size, 32);
});

Deno.test("dispatcher: without extended attributes the kernel is told not to ask again", () => {
  const plain = new Conversation(new MemoryFileSystem(TREE, { xattrs: false }));
  const input = bytesOf(GETXATTR_IN, { size: 0 });
  assert.equal(plain.ask("GETXATTR", 1, input, nameOf("user.x")).error, ENOSYS);
  assert.equal(plain.ask("LISTXATTR", 1, input).error, ENOSYS);
});

Deno.test("dispatcher: LSEEK finds data and holes, and ENXIO beyond the end", () => {
  const seek = (offset: bigint, whence: number) =>
    kernel.ask("LSEEK", ino("sparse"), bytesOf(LSEEK_IN, { offset, whence }));
  const at = (offset: bigint, whence: number): bigint =>
    decodeStruct(LSEEK_OUT, seek(offset, whence).body).offset;
  assert.equal(at(0n, 4), 1n << 20n);
  assert.equal(at(1n << 20n, 3), 2n << 20n);
  assert.equal(at(5n, 3), 5n);
  assert.equal(seek(8n << 20n, 3).error, ENXIO);
  assert.equal(seek(2n ** 64n - 1n, 3).error, ENXIO);
  assert.equal(seek(0n, 0).error, EINVAL);
});

Deno.test("dispatcher: STATFS gives the sizes in blocks of 4 KiB, and nothing is free", () => {
  const { body } = kernel.ask("STATFS", 1);
  const of = decodeStruct(STATFS_OUT, body);
  assert.deepEqual(
    [of.blocks, of.bfree, of.files, of.ffree, of.bsize, of.namelen],
    [3015n, 0n, BigInt(fileSystem.inodeCount), 0n, 4096, 255],
  );
});

Deno.test("dispatcher: opening and closing is left to the kernel", () => {
  assert.equal(kernel.ask("OPEN", ino("large"), bytesOf(OPEN_IN, {})).error, ENOSYS);
  assert.equal(kernel.ask("OPENDIR", 1, bytesOf(OPEN_IN, {})).error, ENOSYS);
  assert.equal(kernel.ask("FLUSH", 1, bytesOf(FLUSH_IN, {})).error, ENOSYS);
  assert.equal(kernel.ask("ACCESS", 1, bytesOf(ACCESS_IN, {})).error, ENOSYS);
  assert.equal(kernel.ask("RELEASE", 1, bytesOf(RELEASE_IN, {})).error, 0);
  assert.equal(kernel.ask("RELEASEDIR", 1, bytesOf(RELEASE_IN, {})).error, 0);
});

Deno.test("dispatcher: what is in the table only to be refused is refused", () => {
  const refused = Object.values(OPCODES).filter(({ error }) => error !== undefined);
  for (const { name, error, isOneWay } of refused) {
    const answer = kernel.send(requestOf(name, 1, new Uint8Array(200)));
    assert.equal(answer?.error, isOneWay ? undefined : error, name);
  }
  assert.equal(kernel.ask("IOCTL", 1, new Uint8Array(32)).error, ENOTTY);
  assert.equal(kernel.ask("MKDIR", 1, new Uint8Array(32)).error, EROFS);
  for (const unknown of ["0", "7", "63", "64", "4096", "436207616", "4294967295"]) {
    assert.equal(kernel.ask(unknown, 1).error, ENOSYS, unknown);
  }
});

Deno.test("dispatcher: references dropped are counted, and a count that lies does no harm", () => {
  const dropped: [number, number][] = [];
  const counting = new Conversation(
    Object.assign(new MemoryFileSystem(TREE), {
      forget: (ino: number, count: number) => dropped.push([ino, count]),
    }),
  );
  const one = (ino: number) => bytesOf(FORGET_ONE, { nodeid: BigInt(ino), nlookup: 2n });
  assert.equal(
    counting.send(requestOf("FORGET", 5, bytesOf(FORGET_IN, { nlookup: 3n }))),
    undefined,
  );
  const batch = requestOf(
    "BATCH_FORGET",
    0,
    bytesOf(BATCH_FORGET_IN, { count: 2 }),
    one(6),
    one(7),
  );
  assert.equal(counting.send(batch), undefined);
  const lie = requestOf("BATCH_FORGET", 0, bytesOf(BATCH_FORGET_IN, { count: 9999 }), one(8));
  assert.equal(counting.send(lie), undefined);
  assert.deepEqual(dropped, [[5, 3], [6, 2], [7, 2], [8, 2]]);
});

Deno.test("dispatcher: INTERRUPT reaches the file system and is not answered", () => {
  const listening = new MemoryFileSystem(TREE);
  const input = bytesOf(INTERRUPT_IN, { unique: 5n << 32n | 6n });
  assert.equal(new Conversation(listening).send(requestOf("INTERRUPT", 0, input)), undefined);
  assert.deepEqual(listening.interrupts, [[6, 5]]);
});

Deno.test("dispatcher: DESTROY is told to the file system and answered", () => {
  let destroyed = 0;
  const ending = new Conversation(
    Object.assign(new MemoryFileSystem(TREE), { destroyed: () => destroyed++ }),
  );
  assert.deepEqual([ending.ask("DESTROY", 0).error, destroyed], [0, 1]);
});

/** A file system in which `method` does something wrong. */
function faulty(method: keyof FileSystem, wrong: unknown): Conversation {
  return new Conversation(Object.assign(new MemoryFileSystem(TREE), { [method]: wrong }));
}

Deno.test("dispatcher: a fault in a file system is EIO, is told, and the next request is fine", () => {
  const told: [string, string][] = [];
  const faulting = new Conversation(fileSystem, {
    onFault: (error, request) => {
      told.push([(error as Error).message, request]);
      throw new Error("and so is whoever is told");
    },
  });
  const read = () => faulting.ask("READ", ino("broken"), bytesOf(READ_IN, { size: 10 })).error;
  assert.deepEqual([read(), read()], [EIO, EIO]);
  assert.deepEqual(told, Array(2).fill(["a fault on purpose", "READ"]));
  assert.equal(faulting.ask("LOOKUP", 1, nameOf("large")).error, 0);
});

Deno.test("dispatcher: replies that the kernel would not take become EIO", () => {
  const node = ino("odd/link");
  const cases: [keyof FileSystem, unknown, string, Uint8Array[]][] = [
    ["readLink", () => new Uint8Array(5000), "READLINK", []],
    ["readLink", () => new Uint8Array(0), "READLINK", []],
    ["lookup", () => 100_000, "LOOKUP", [nameOf("x")]],
    ["getAttributes", () => 512, "GETATTR", [bytesOf(GETATTR_IN, {})]],
    [
      "read",
      (...[, , , reply]: Parameters<FileSystem["read"]>) => {
        reply.length = 11;
        return 0;
      },
      "READ",
      [bytesOf(READ_IN, { size: 10 })],
    ],
    [
      "read",
      (...[, , , reply]: Parameters<FileSystem["read"]>) => {
        reply.length = NaN;
        return 0;
      },
      "READ",
      [bytesOf(READ_IN, { size: 10 })],
    ],
  ];
  for (const [method, wrong, opcode, input] of cases) {
    assert.equal(faulty(method, wrong).ask(opcode, node, ...input).error, EIO, opcode);
  }
});

Deno.test("dispatcher: requests that are too short, too long or lie about it are refused", () => {
  assert.equal(kernel.send(new Uint8Array(0)), undefined);
  assert.equal(kernel.send(new Uint8Array(39)), undefined);
  const lying = requestOf("GETATTR", 1, bytesOf(GETATTR_IN, {}));
  lying[0]!++;
  assert.equal(kernel.send(lying)?.error, EINVAL);
  for (const [number, { name, inputSize, isOneWay }] of Object.entries(OPCODES)) {
    if (inputSize === 0 || isOneWay) continue;
    const short = requestOf(number, 1, new Uint8Array(inputSize - 1));
    assert.equal(kernel.send(short)?.error, EINVAL, name);
  }
  for (const nameless of [new Uint8Array(0), new Uint8Array(1), new TextEncoder().encode("abc")]) {
    assert.equal(kernel.ask("LOOKUP", 1, nameless).error, EINVAL);
  }
});

Deno.test("dispatcher: what the kernel adds after a request in later versions is passed over", () => {
  const { error } = kernel.ask("GETATTR", 1, bytesOf(GETATTR_IN, {}), new Uint8Array(64));
  assert.equal(error, 0);
});

Deno.test("dispatcher: requests are counted by number", () => {
  const counts = new Uint32Array(64);
  const counted = new Conversation(fileSystem, { counts });
  counted.ask("STATFS", 1);
  counted.ask("STATFS", 1);
  assert.equal(counts[OPCODE_NUMBERS.get("STATFS")!], 2);
  assert.equal(counted.dispatcher.counts, counts);
});

Deno.test("dispatcher: a reply that was not taken can be made an error", () => {
  kernel.ask("STATFS", 1);
  const size = kernel.dispatcher.fail(EIO);
  assert.equal(size, 16);
  assert.equal(new DataView(kernel.dispatcher.reply.buffer).getInt32(4, true), -EIO);
});
