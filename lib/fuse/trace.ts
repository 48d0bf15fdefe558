/**
 * Requests and replies as lines for people.
 *
 * @module
 */

import { decodeByteString, displayByteString } from "../base/byte_string.ts";
import { errnoName } from "../linux/errno.ts";
import { type Opcode, OPCODES, UNKNOWN_OPCODE } from "./opcodes.ts";
import {
  ATTR,
  ATTR_OUT,
  BATCH_FORGET_IN,
  decodeStruct,
  DIRENT,
  ENTRY_OUT,
  FORGET_IN,
  GETXATTR_IN,
  IN_HEADER,
  INIT_IN,
  INIT_OUT,
  INTERRUPT_IN,
  LSEEK_IN,
  LSEEK_OUT,
  OUT_HEADER,
  READ_IN,
} from "./wire_structs.ts";

/** What the lines mean, to be put in front of them. */
export const TRACE_LEGEND = `\
# A line is a request of the kernel (→) or the reply to it (←).
# → number REQUEST of inode, what it asks, [who asks: process, user]
# ← number what it got, or the name of the error
# Requests without a reply: FORGET, BATCH_FORGET, INTERRUPT, and what is answered later.
# Sizes and offsets are bytes.
`;

/** A request as one line without its end. Any bytes are fine: what cannot be read is said to be so. */
export function traceRequest(request: Uint8Array): string {
  if (request.length < IN_HEADER.size) return `→ ? ${request.length} bytes: too few for a request`;
  const { opcode, unique, nodeid, uid, pid } = decodeStruct(IN_HEADER, request);
  const kind = OPCODES[opcode] ?? UNKNOWN_OPCODE;
  const name = kind === UNKNOWN_OPCODE ? `opcode ${opcode}` : kind.name;
  const details = describeInput(kind, request);
  return `→ ${unique} ${name} of ${nodeid}${details === "" ? "" : `, ${details}`} ` +
    `[${pid}, ${uid}]`;
}

/** The reply to `request` as one line without its end. */
export function traceReply(request: Uint8Array, reply: Uint8Array): string {
  if (reply.length < OUT_HEADER.size || request.length < IN_HEADER.size) {
    return `← ? ${reply.length} bytes: too few for a reply`;
  }
  const { error, unique } = decodeStruct(OUT_HEADER, reply);
  if (error !== 0) return `← ${unique} ${errnoName(-error)}`;
  const { opcode } = decodeStruct(IN_HEADER, request);
  const kind = OPCODES[opcode] ?? UNKNOWN_OPCODE;
  return `← ${unique} ${describeOutput(kind, reply)}`;
}

/**
 * The reply to a read whose content had to be fetched, as one line without its end.
 *
 * @param low Lower 32 bits of the request's number; `high` the upper ones.
 */
export function traceLateReply(
  low: number,
  high: number,
  outcome: { readonly length: number } | { readonly error: number },
): string {
  const unique = BigInt(high) << 32n | BigInt(low);
  const what = "error" in outcome ? errnoName(outcome.error) : `${outcome.length} bytes`;
  return `← ${unique} ${what}, late`;
}

function describeInput(kind: Opcode, request: Uint8Array): string {
  const at = IN_HEADER.size;
  if (request.length < at + kind.inputSize) return "cut short";
  switch (kind.handler) {
    case "lookup":
      return nameAt(request, at);
    case "read":
    case "readDirectory":
    case "readDirectoryPlus": {
      const { offset, size } = decodeStruct(READ_IN, request, at);
      return `${size} from ${offset}`;
    }
    case "getXattr": {
      const { size } = decodeStruct(GETXATTR_IN, request, at);
      return `${nameAt(request, at + GETXATTR_IN.size)} up to ${size}`;
    }
    case "listXattr":
      return `up to ${decodeStruct(GETXATTR_IN, request, at).size}`;
    case "seek": {
      const { offset, whence } = decodeStruct(LSEEK_IN, request, at);
      return `${whence === 3 ? "data" : whence === 4 ? "hole" : `whence ${whence}`} from ${offset}`;
    }
    case "forget":
      return `${decodeStruct(FORGET_IN, request, at).nlookup} references`;
    case "batchForget":
      return `${decodeStruct(BATCH_FORGET_IN, request, at).count} inodes`;
    case "interrupt":
      return `request ${decodeStruct(INTERRUPT_IN, request, at).unique}`;
    case "init": {
      const { major, minor } = decodeStruct(INIT_IN, padded(request.subarray(at), INIT_IN.size));
      return `version ${major}.${minor}`;
    }
    default:
      return "";
  }
}

function describeOutput(kind: Opcode, reply: Uint8Array): string {
  const at = OUT_HEADER.size;
  const length = reply.length - at;
  switch (kind.handler) {
    case "lookup": {
      if (length < ENTRY_OUT.size) break;
      const { nodeid } = decodeStruct(ENTRY_OUT, reply, at);
      if (nodeid === 0n) return "no such name";
      return attributes(reply, at + ENTRY_OUT.at.attr);
    }
    case "getAttributes":
      if (length < ATTR_OUT.size) break;
      return attributes(reply, at + ATTR_OUT.at.attr);
    case "readLink":
      return displayByteString(decodeByteString(reply.subarray(at)));
    case "readDirectory":
      return `${countEntries(reply, at, 0)} entries`;
    case "readDirectoryPlus":
      return `${countEntries(reply, at, ENTRY_OUT.size)} entries`;
    case "seek":
      if (length < LSEEK_OUT.size) break;
      return String(decodeStruct(LSEEK_OUT, reply, at).offset);
    case "init": {
      const { major, minor, flags, flags2 } = decodeStruct(
        INIT_OUT,
        padded(reply.subarray(at), INIT_OUT.size),
      );
      return `version ${major}.${minor}, flags ${hex(flags)} ${hex(flags2)}`;
    }
  }
  return length === 0 ? "done" : `${length} bytes`;
}

function attributes(reply: Uint8Array, at: number): string {
  const { ino, mode, size } = decodeStruct(ATTR, reply, at);
  return `inode ${ino}, mode ${mode.toString(8)}, size ${size}`;
}

/** How many entries there are from `at` on, each with `before` bytes in front of it. */
function countEntries(reply: Uint8Array, at: number, before: number): number {
  let count = 0;
  while (at + before + DIRENT.size <= reply.length) {
    const { namelen } = decodeStruct(DIRENT, reply, at + before);
    at += (before + DIRENT.size + namelen + 7) & ~7;
    count++;
  }
  return count;
}

function nameAt(request: Uint8Array, at: number): string {
  const end = request.indexOf(0, at);
  const name = request.subarray(at, end < 0 ? request.length : end);
  return `"${displayByteString(decodeByteString(name))}"`;
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  whole.set(bytes.subarray(0, size));
  return whole;
}

function hex(word: number): string {
  return `0x${word.toString(16)}`;
}
