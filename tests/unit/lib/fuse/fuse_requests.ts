/**
 * Requests as the kernel makes them, and replies as it reads them.
 *
 * @module
 */

import { concatBytes } from "../../../../lib/base/bytes.ts";
import { Dispatcher, type DispatcherOptions } from "../../../../lib/fuse/dispatcher.ts";
import type { FileSystem } from "../../../../lib/fuse/file_system.ts";
import { OPCODE_NUMBERS } from "../../../../lib/fuse/opcodes.ts";
import {
  decodeStruct,
  encodeStruct,
  type FieldType,
  IN_HEADER,
  OUT_HEADER,
  type Struct,
  type StructValues,
} from "../../../../lib/fuse/wire_structs.ts";

/** A structure as bytes. */
export function bytesOf<const Fields extends Readonly<Record<string, FieldType>>>(
  layout: Struct<Fields>,
  values: Partial<StructValues<Fields>>,
): Uint8Array {
  const bytes = new Uint8Array(layout.size);
  encodeStruct(layout, values, bytes);
  return bytes;
}

/** A name with its NUL. */
export function nameOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

let unique = 0n;

/** A whole request: by the name of its kind, for an inode, with what follows the header. */
export function requestOf(
  name: string,
  ino: number,
  ...body: Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const input = concatBytes(body);
  unique += 2n;
  const header = bytesOf(IN_HEADER, {
    len: IN_HEADER.size + input.length,
    opcode: OPCODE_NUMBERS.get(name) ?? Number(name),
    unique,
    nodeid: BigInt(ino),
    uid: 7,
    gid: 8,
    pid: 9,
  });
  return concatBytes([header, input]);
}

/** What came back. */
export interface Answer {
  /** 0, or the number of an error. */
  readonly error: number;
  /** What follows the header. */
  readonly body: Uint8Array;
}

/** A dispatcher that tests talk to. */
export class Conversation {
  readonly dispatcher: Dispatcher;

  constructor(fileSystem: FileSystem, options: DispatcherOptions = {}) {
    this.dispatcher = new Dispatcher(fileSystem, options);
  }

  /** The answer to a request; undefined where there is none. */
  send(request: Uint8Array): Answer | undefined {
    this.dispatcher.request.set(request);
    const size = this.dispatcher.dispatch(request.length);
    if (size === 0) return undefined;
    const reply = this.dispatcher.reply.slice(0, size);
    const header = decodeStruct(OUT_HEADER, reply);
    const { unique } = decodeStruct(IN_HEADER, request);
    if (header.len !== size || header.unique !== unique) {
      throw new Error(`A reply of ${size} bytes says ${header.len}, to ${header.unique}`);
    }
    return { error: header.error === 0 ? 0 : -header.error, body: reply.subarray(OUT_HEADER.size) };
  }

  /** The answer to a request of this kind. */
  ask(name: string, ino: number, ...body: Uint8Array[]): Answer {
    const answer = this.send(requestOf(name, ino, ...body));
    if (answer === undefined) throw new Error(`${name} was not answered`);
    return answer;
  }
}
