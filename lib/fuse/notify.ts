/**
 * Messages to the kernel that nobody asked for.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { encodeByteString } from "../base/byte_string.ts";
import { type WriteOutcome, writeToDevice } from "./device_file.ts";
import {
  encodeStruct,
  NOTIFY_INVAL_ENTRY_OUT,
  NOTIFY_INVAL_INODE_OUT,
  OUT_HEADER,
  type Struct,
  type StructValues,
} from "./wire_structs.ts";

/** Numbers of notifications. */
const INVALIDATE_INODE = 2;
const INVALIDATE_ENTRY = 3;
const RESEND = 7;

/**
 * Asks the kernel for all requests again that were read from any descriptor of the mount and not
 * answered. What a daemon left behind when it died is asked of the next one that way.
 *
 * @returns "refused" where the kernel cannot do that (before Linux 6.9).
 */
export function notifyResend(fd: number): WriteOutcome {
  const message: Bytes = new Uint8Array(OUT_HEADER.size);
  return send(fd, RESEND, message);
}

/**
 * Makes the kernel forget the attributes of an inode, and `lengthBytes` of its content from
 * `offsetBytes` on (0 means all that follows; a negative offset, none).
 *
 * Not from a thread that answers requests: the kernel waits for reads of the same pages.
 *
 * @returns "not awaited" when the kernel does not know the inode.
 */
export function notifyInodeChanged(
  fd: number,
  ino: number,
  offsetBytes = 0,
  lengthBytes = 0,
): WriteOutcome {
  const values = { ino: BigInt(ino), off: BigInt(offsetBytes), len: BigInt(lengthBytes) };
  return send(fd, INVALIDATE_INODE, withBody(NOTIFY_INVAL_INODE_OUT, values, 0));
}

/**
 * Makes the kernel forget what the name (a byte string) in the directory `parent` means. Not from a
 * thread that answers requests.
 *
 * @returns "not awaited" when the kernel does not know it.
 */
export function notifyEntryChanged(fd: number, parent: number, name: string): WriteOutcome {
  const bytes = encodeByteString(name);
  const values = { parent: BigInt(parent), namelen: bytes.length };
  const message = withBody(NOTIFY_INVAL_ENTRY_OUT, values, bytes.length + 1);
  message.set(bytes, OUT_HEADER.size + NOTIFY_INVAL_ENTRY_OUT.size);
  return send(fd, INVALIDATE_ENTRY, message);
}

function withBody<const Fields extends Readonly<Record<string, "u64" | "i64" | "u32">>>(
  layout: Struct<Fields>,
  values: Partial<StructValues<Fields>>,
  moreBytes: number,
): Bytes {
  const message: Bytes = new Uint8Array(OUT_HEADER.size + layout.size + moreBytes);
  encodeStruct(layout, values, message, OUT_HEADER.size);
  return message;
}

/** A notification has its number where a reply has its error, and answers request 0. */
function send(fd: number, code: number, message: Bytes): WriteOutcome {
  encodeStruct(OUT_HEADER, { len: message.length, error: code, unique: 0n }, message);
  return writeToDevice(fd, message, message.length);
}
