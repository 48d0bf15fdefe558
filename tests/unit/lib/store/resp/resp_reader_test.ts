import assert from "node:assert/strict";
import { BLOCK_SIZE_MAX } from "../../../../../lib/base/limits.ts";
import { type ByteSource, RespReader } from "../../../../../lib/store/resp/resp_reader.ts";
import {
  RespError,
  RespProtocolError,
  type RespReply,
} from "../../../../../lib/store/resp/resp_reply.ts";

const encoder = new TextEncoder();

/** Gives bytes in pieces of at most some size, and then ends. */
class PieceSource implements ByteSource {
  /** Most bytes that were ever asked for at once. */
  largest = 0;
  #at = 0;

  constructor(readonly bytes: Uint8Array, readonly size = Infinity) {}

  read(into: Uint8Array): Promise<number | null> {
    this.largest = Math.max(this.largest, into.length);
    const part = this.bytes.subarray(this.#at, this.#at + Math.min(this.size, into.length));
    into.set(part);
    this.#at += part.length;
    return Promise.resolve(part.length === 0 ? null : part.length);
  }
}

async function readAll(text: string, size?: number): Promise<RespReply[]> {
  const reader = new RespReader(new PieceSource(encoder.encode(text), size));
  const replies: RespReply[] = [];
  for (let reply; (reply = await reader.read()) !== undefined;) replies.push(reply);
  return replies;
}

Deno.test("resp reader: reads every kind of reply, however it is cut into pieces", async () => {
  const text = "+OK\r\n:42\r\n:-7\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n-ERR no\r\n" +
    "*2\r\n$2\r\nxy\r\n*2\r\n:1\r\n*0\r\n";
  const bytes = (words: string): Uint8Array => encoder.encode(words);
  const expected = [
    "OK",
    42,
    -7,
    bytes("a\r\n"),
    bytes(""),
    null,
    null,
    new RespError("ERR no"),
    [bytes("xy"), [1, []]],
  ];
  for (const size of [1, 2, 3, 7, 1000]) {
    assert.deepEqual(await readAll(text, size), expected, `pieces of ${size}`);
  }
});

Deno.test("resp reader: reads values larger than its buffer, one behind the other", async () => {
  const value = new Uint8Array(200_000).map((_, index) => index % 251);
  const head = encoder.encode(`$${value.length}\r\n`);
  const whole = new Uint8Array(3 * (head.length + value.length + 2));
  for (let at = 0; at < whole.length;) {
    for (const part of [head, value, encoder.encode("\r\n")]) {
      whole.set(part, at);
      at += part.length;
    }
  }
  for (const size of [1460, 65536, Infinity]) {
    const source = new PieceSource(whole, size);
    const reader = new RespReader(source);
    for (let i = 0; i < 3; i++) assert.deepEqual(await reader.read(), value);
    assert.equal(await reader.read(), undefined);
    assert.ok(source.largest > 100_000, "the value was not read into its own array");
  }
});

/** What no server may say. */
const BROKEN: Readonly<Record<string, string>> = {
  "an unknown kind": "!3\r\nabc\r\n",
  "an empty line": "\r\n",
  "a line end without CR": "+OK\n",
  "an endless line": "+".repeat(5000),
  "an endless number": `:${"1".repeat(400)}\r\n`,
  "a number that is none": ":1e3\r\n",
  "a number that is empty": ":\r\n",
  "a sign alone": "$-\r\n",
  "a negative length": "$-2\r\n",
  "a negative count": "*-2\r\n",
  "a value of too many bytes": `$${BLOCK_SIZE_MAX + 1}\r\n`,
  "values of too many bytes together": `*2\r\n$3\r\nabc\r\n$${BLOCK_SIZE_MAX - 2}\r\n`,
  "too many elements": "*1000000\r\n",
  "too many elements together": "*3\r\n*200000\r\n*200000\r\n",
  "too many lists in lists": "*1\r\n".repeat(6),
  "a value without its line end": "$3\r\nabcde",
  "an end in a line": "+OK",
  "an end in a value": "$3\r\na",
  "an end in a list": "*2\r\n:1\r\n",
};

for (const [what, text] of Object.entries(BROKEN)) {
  Deno.test(`resp reader: refuses ${what}`, async () => {
    for (const size of [1, 1000]) await assert.rejects(readAll(text, size), RespProtocolError);
  });
}
