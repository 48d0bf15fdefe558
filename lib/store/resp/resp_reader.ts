/**
 * From the bytes of a connection to replies. The server is not trusted: what it announces is held
 * against a limit before memory is set aside for it.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import { BLOCK_SIZE_MAX } from "../../base/limits.ts";
import { RespError, RespProtocolError, type RespReply } from "./resp_reply.ts";

/** Where bytes come from: a connection. */
export interface ByteSource {
  /** Reads at least one byte into the array and tells how many; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** Size of the buffer in bytes: 15 small blocks of 4 KiB arrive with one read. */
const BUFFER_SIZE = 64 * 1024;

/** Longest line of text in bytes: an error message, or a number. */
const LINE_LENGTH_MAX = 4096;

/** Arrays within arrays: the keys that 0-db lists are three deep. */
const DEPTH_MAX = 4;

/** Elements of a reply, those of arrays within it included: 0-db lists some thousand keys at once. */
const ELEMENTS_MAX = 1 << 18;

const [CR, LF, MINUS, ZERO, NINE] = [0x0d, 0x0a, 0x2d, 0x30, 0x39];
const [TEXT, ERROR, NUMBER, BULK, ARRAY] = [0x2b, 0x2d, 0x3a, 0x24, 0x2a];

const decoder = new TextDecoder();

/** What a reply may still hold. */
interface Allowance {
  bytes: number;
  elements: number;
}

/** Reads one reply after another. */
export class RespReader {
  readonly #source: ByteSource;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  /** What is read and not yet used lies from here… */
  #start = 0;
  /** … to here. */
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * The next reply; undefined where the connection ends before one begins. A value that is not in the
   * buffer already is read into its own array.
   *
   * @throws {RespProtocolError} when what comes is not RESP, is too large, or ends half-way. Nothing
   *   can be read after that.
   */
  async read(): Promise<RespReply | undefined> {
    if (this.#start === this.#end && !await this.#fill()) return undefined;
    return await this.#reply({ bytes: BLOCK_SIZE_MAX, elements: ELEMENTS_MAX }, 0);
  }

  async #reply(allowance: Allowance, depth: number): Promise<RespReply> {
    let lineEnd = this.#findLineEnd();
    while (lineEnd < 0) {
      if (!await this.#fill()) throw new RespProtocolError("it ended half-way through a reply");
      lineEnd = this.#findLineEnd();
    }
    const start = this.#start;
    this.#start = lineEnd + 2;
    const type = this.#buffer[start];
    if (type === BULK) {
      const length = this.#number(start + 1, lineEnd);
      return length === -1 ? null : await this.#bulk(length, allowance);
    }
    if (type === NUMBER) return this.#number(start + 1, lineEnd);
    if (type === TEXT) return this.#text(start + 1, lineEnd);
    if (type === ERROR) return new RespError(this.#text(start + 1, lineEnd));
    if (type === ARRAY) {
      const count = this.#number(start + 1, lineEnd);
      return count === -1 ? null : await this.#array(count, allowance, depth);
    }
    throw new RespProtocolError("it sent what is no reply");
  }

  async #array(count: number, allowance: Allowance, depth: number): Promise<RespReply> {
    allowance.elements -= count;
    if (count < 0 || allowance.elements < 0 || depth >= DEPTH_MAX) {
      throw new RespProtocolError("it sent a list that is too large");
    }
    const elements: RespReply[] = [];
    for (let i = 0; i < count; i++) elements.push(await this.#reply(allowance, depth + 1));
    return elements;
  }

  async #bulk(length: number, allowance: Allowance): Promise<Bytes> {
    allowance.bytes -= length;
    if (length < 0 || allowance.bytes < 0) {
      throw new RespProtocolError(`it sent a value of ${length} bytes, more than a block has`);
    }
    const value = new Uint8Array(length);
    let at = Math.min(length, this.#end - this.#start);
    value.set(this.#buffer.subarray(this.#start, this.#start + at));
    this.#start += at;
    while (at < length) {
      const count = await this.#source.read(value.subarray(at));
      if (count === null) throw new RespProtocolError("it ended half-way through a value");
      at += count;
    }
    while (this.#end - this.#start < 2) {
      if (!await this.#fill()) throw new RespProtocolError("it ended half-way through a reply");
    }
    if (this.#buffer[this.#start] !== CR || this.#buffer[this.#start + 1] !== LF) {
      throw new RespProtocolError("a value is longer than it said");
    }
    this.#start += 2;
    return value;
  }

  /** Reads more behind what is unused; false at the end of the connection. */
  async #fill(): Promise<boolean> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    else if (this.#end === BUFFER_SIZE) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    if (count === null) return false;
    this.#end += count;
    return true;
  }

  /** Where the line that begins at the start ends; -1 where its end has not come yet. */
  #findLineEnd(): number {
    const unused = this.#end - this.#start;
    const at = this.#buffer.subarray(this.#start, this.#end).indexOf(LF);
    if (at > LINE_LENGTH_MAX || (at < 0 && unused > LINE_LENGTH_MAX)) {
      throw new RespProtocolError("it sent a line that does not end");
    }
    if (at < 0) return -1;
    const lineEnd = this.#start + at - 1;
    if (at < 1 || this.#buffer[lineEnd] !== CR) {
      throw new RespProtocolError("it sent what is no reply");
    }
    return lineEnd;
  }

  #text(start: number, end: number): string {
    return decoder.decode(this.#buffer.subarray(start, end));
  }

  #number(start: number, end: number): number {
    const isNegative = this.#buffer[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    let value = 0;
    for (let i = first; i < end; i++) {
      const digit = this.#buffer[i]!;
      if (digit < ZERO || digit > NINE) throw new RespProtocolError("it sent a broken number");
      value = value * 10 + digit - ZERO;
    }
    if (first === end || !Number.isSafeInteger(value)) {
      throw new RespProtocolError("it sent a broken number");
    }
    return isNegative ? -value : value;
  }
}
