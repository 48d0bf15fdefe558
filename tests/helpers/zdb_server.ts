/**
 * A small strict server that answers what 0-db documents and this project uses, byte for byte as 0-db
 * does (zdbd/commands*.c of 0-db 2.0.7), and refuses everything else. It stands in for 0-db, which is
 * in no package registry.
 *
 * @module
 */

import { concatBytes, equalBytes, toHex } from "../../lib/base/bytes.ts";
import { say, ScriptedServer } from "./scripted_server.ts";

/** A namespace of the server. */
export interface ZdbNamespace {
  /** Who does not know it may not write, and may read only where the namespace is public. */
  readonly password?: string;
  /** Whether everybody may read. @default {true} */
  readonly isPublic?: boolean;
  /** @default {"userkey"} */
  readonly mode?: "userkey" | "sequential";
  /** Nothing may be overwritten or deleted. @default {false} */
  readonly worm?: boolean;
  /** Bytes of values that it takes. @default no limit */
  readonly sizeMax?: number;
}

/** How to start a {@link ZdbServer}. */
export interface ZdbServerOptions {
  /** Namespaces beside `default`, or that one with other properties. */
  readonly namespaces?: Readonly<Record<string, ZdbNamespace>>;
  /** Path of a unix socket to listen on; else a free port of the loopback address. */
  readonly socket?: string;
  /** Port to listen on; a free one where it is not given. */
  readonly port?: number;
}

const KEY_SIZE_MAX = 255;
const PAYLOAD_SIZE_MAX = 8 * 1024 * 1024;
const ARGUMENTS_MAX = 1024;
/** Bytes that 0-db reads at once. */
const PIECE_SIZE = 8192;
/** Keys in one page of SCAN, few, so that tests need several. */
const PAGE_SIZE = 7;
const CURSOR_SIZE = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const LINE_END = encoder.encode("\r\n");
const NIL = encoder.encode("$-1\r\n");

interface Space extends ZdbNamespace {
  readonly name: string;
  readonly values: Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }>;
}

interface Client {
  space: Space;
  isWritable: boolean;
}

/** What a request is refused with. */
class Refusal {
  constructor(readonly text: string) {}
}

/** A running server. */
export class ZdbServer implements AsyncDisposable {
  /** Where it listens, to follow `zdb://`. */
  readonly address: string;
  readonly port: number;
  /** Commands so far that were not known, and bursts that 0-db would go to sleep on. */
  readonly unknown: string[] = [];
  /** How often each command came. */
  readonly counts = new Map<string, number>();
  readonly #spaces: Map<string, Space>;
  readonly #server: ScriptedServer;

  constructor({ namespaces = {}, socket, port }: ZdbServerOptions = {}) {
    this.#spaces = new Map(
      Object.entries({ default: {}, ...namespaces })
        .map(([name, space]) => [name, { ...space, name, values: new Map() }]),
    );
    this.#server = new ScriptedServer((conn) => this.#serve(conn), socket ?? port);
    this.port = this.#server.port;
    this.address = socket ?? `127.0.0.1:${this.port}`;
  }

  /** Connections that were made. */
  get connections(): number {
    return this.#server.connections;
  }

  /** Hangs up on everybody. */
  hangUp(): void {
    this.#server.hangUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const space = this.#spaces.get("default")!;
    const client: Client = { space, isWritable: space.password === undefined };
    const onBurst = (): void => void this.unknown.push("a burst of more than a piece");
    for await (const words of requests(conn, onBurst)) {
      if (words instanceof Refusal) return await say(conn, errorReply(words.text));
      const answer = this.#answer(client, words);
      await say(conn, answer instanceof Refusal ? errorReply(answer.text) : answer);
    }
  }

  #answer(client: Client, words: readonly Uint8Array[]): Uint8Array | Refusal {
    const command = decoder.decode(words[0]).toUpperCase();
    const args = words.slice(1);
    this.counts.set(command, (this.counts.get(command) ?? 0) + 1);
    switch (command) {
      case "PING":
        return expectCount(args, 0) ?? encoder.encode("+PONG\r\n");
      case "SELECT":
        return this.#select(client, args.map((word) => decoder.decode(word)));
      case "NSINFO":
        return expectCount(args, 1) ?? this.#info(decoder.decode(args[0]));
      case "SET":
        return expectCount(args, 2, true) ?? this.#set(client, args[0]!, args[1]!);
      case "GET":
        return expectCount(args, 1) ?? this.#read(client, args, "single");
      case "MGET":
        return args.length === 0
          ? new Refusal("Invalid arguments")
          : this.#read(client, args, "several");
      case "EXISTS":
        return expectCount(args, 1) ?? expectKey(args[0]!, "Invalid key") ??
          encoder.encode(`:${client.space.values.has(toHex(args[0]!)) ? 1 : 0}\r\n`);
      case "DEL":
        return expectCount(args, 1) ?? this.#delete(client, args[0]!);
      case "SCAN":
        return this.#scan(client, args);
      default:
        this.unknown.push(command);
        return new Refusal("Command not supported");
    }
  }

  #select(client: Client, [name, password, ...more]: readonly string[]): Uint8Array | Refusal {
    if (name === undefined) return new Refusal("Invalid argument");
    const space = this.#spaces.get(name);
    if (space === undefined) return new Refusal("Namespace not found");
    if (more.length > 0) return new Refusal("Only SECURE extra method supported");
    if (space.password !== undefined && password === undefined && space.isPublic === false) {
      return new Refusal("Namespace protected and private");
    }
    if (space.password !== undefined && password !== undefined && password !== space.password) {
      return new Refusal("Access denied");
    }
    client.space = space;
    client.isWritable = space.password === undefined || password !== undefined;
    return encoder.encode("+OK\r\n");
  }

  #info(name: string): Uint8Array | Refusal {
    const space = this.#spaces.get(name);
    if (space === undefined) return new Refusal("Namespace not found");
    const yesNo = (value: boolean): string => value ? "yes" : "no";
    return bulk(encoder.encode([
      "# namespace",
      `name: ${space.name}`,
      `entries: ${space.values.size}`,
      `public: ${yesNo(space.isPublic ?? true)}`,
      `worm: ${yesNo(space.worm ?? false)}`,
      "locked: no",
      `password: ${yesNo(space.password !== undefined)}`,
      `data_size_bytes: ${sizeOf(space)}`,
      `data_limits_bytes: ${space.sizeMax ?? 0}`,
      `mode: ${space.mode ?? "userkey"}`,
      "",
    ].join("\n")));
  }

  #set(client: Client, key: Uint8Array, value: Uint8Array): Uint8Array | Refusal {
    const { space } = client;
    const wrong = expectKey(key, "Key too large");
    if (wrong !== undefined) return wrong;
    if (!client.isWritable) return new Refusal("Namespace is in read-only mode");
    const old = space.values.get(toHex(key));
    if (old !== undefined && space.worm) return new Refusal("Namespace is protected by worm mode");
    const oldSize = old?.value.length ?? 0;
    if (sizeOf(space) + value.length > (space.sizeMax ?? Infinity) + oldSize) {
      return new Refusal("No space left on this namespace");
    }
    if (space.mode === "sequential") return new Refusal("Invalid key, only update authorized");
    if (key.length === 0) return new Refusal("Invalid argument, key needed");
    if (old !== undefined && equalBytes(old.value, value)) return NIL;
    // What is written again comes last, as in a file that only grows.
    space.values.delete(toHex(key));
    space.values.set(toHex(key), { key, value });
    return bulk(key);
  }

  #read(
    client: Client,
    keys: readonly Uint8Array[],
    form: "single" | "several",
  ): Uint8Array | Refusal {
    for (const key of keys) {
      const wrong = expectKey(key, "Invalid key");
      if (wrong !== undefined) return wrong;
    }
    const values = keys.map((key) => {
      const found = client.space.values.get(toHex(key));
      return found === undefined ? NIL : bulk(found.value);
    });
    return form === "single"
      ? values[0]!
      : concatBytes([encoder.encode(`*${values.length}\r\n`), ...values]);
  }

  #delete(client: Client, key: Uint8Array): Uint8Array | Refusal {
    const wrong = expectKey(key, "Invalid key");
    if (wrong !== undefined) return wrong;
    if (!client.isWritable) return new Refusal("Namespace is in read-only mode");
    if (!client.space.values.has(toHex(key))) return new Refusal("Key not found");
    if (client.space.worm) {
      return new Refusal("Cannot delete a key when namespace is in worm mode");
    }
    client.space.values.delete(toHex(key));
    return encoder.encode("+OK\r\n");
  }

  #scan(client: Client, [cursor, ...more]: readonly Uint8Array[]): Uint8Array | Refusal {
    if (more.length > 0) return new Refusal("Unexpected arguments");
    const entries = [...client.space.values.values()];
    let first = 0;
    if (cursor !== undefined) {
      if (cursor.length !== CURSOR_SIZE) return new Refusal("Invalid key format");
      const last = entries.findIndex(({ key }) => equalBytes(cursorOf(key), cursor));
      if (last < 0) return new Refusal("Invalid index");
      first = last + 1;
    }
    const page = entries.slice(first, first + PAGE_SIZE);
    if (page.length === 0) return new Refusal("No more data");
    return concatBytes([
      encoder.encode("*2\r\n"),
      bulk(cursorOf(page.at(-1)!.key)),
      encoder.encode(`*${page.length}\r\n`),
      ...page.flatMap(({ key, value }) => [
        encoder.encode("*3\r\n"),
        bulk(key),
        encoder.encode(`:${value.length}\r\n:1535361488\r\n`),
      ]),
    ]);
  }
}

function sizeOf({ values }: Space): number {
  return values.values().reduce((sum, { value }) => sum + value.length, 0);
}

/** Bytes that stand for a place among the keys, and are neither a number nor text. */
function cursorOf(key: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: CURSOR_SIZE }, (_, index) => ~(key[index] ?? 0));
}

function expectCount(
  args: readonly Uint8Array[],
  count: number,
  mayBeEmpty = false,
): Refusal | undefined {
  if (args.length !== count) return new Refusal("Unexpected arguments");
  if (mayBeEmpty || args.every(({ length }) => length > 0)) return undefined;
  return new Refusal("Invalid argument");
}

function expectKey(key: Uint8Array, text: string): Refusal | undefined {
  return key.length > KEY_SIZE_MAX ? new Refusal(text) : undefined;
}

function bulk(value: Uint8Array): Uint8Array {
  return concatBytes([encoder.encode(`$${value.length}\r\n`), value, LINE_END]);
}

function errorReply(text: string): Uint8Array {
  return encoder.encode(`-${text}\r\n`);
}

/**
 * What a client sends, request by request, until it hangs up or says what is no request.
 *
 * @param onBurst Told when a request ends, and more follows it, in bytes that 0-db does not read at
 *   once: where that is the end of a piece, it goes to sleep.
 */
async function* requests(
  conn: Deno.Conn,
  onBurst: () => void,
): AsyncIterable<Uint8Array[] | Refusal> {
  const incoming = new Incoming(conn);
  for (;;) {
    if (incoming.isBurst) onBurst();
    const line = await incoming.line();
    if (line === undefined) return;
    if (!/^\*\d+$/.test(line)) return yield new Refusal("Malformed request, array expected");
    const count = Number(line.slice(1));
    if (count === 0) return yield new Refusal("Missing arguments");
    if (count > ARGUMENTS_MAX) return yield new Refusal("Too many arguments");
    const words: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const head = await incoming.line();
      if (head === undefined) return;
      if (!/^\$\d+$/.test(head)) return yield new Refusal("Malformed query string");
      const length = Number(head.slice(1));
      if (length > PAYLOAD_SIZE_MAX) return yield new Refusal("Payload too big");
      const word = await incoming.bytes(length + LINE_END.length);
      if (word === undefined) return;
      words.push(word.subarray(0, length));
    }
    yield words;
  }
}

/** Bytes from a connection, by lines and by numbers. */
class Incoming {
  #rest = new Uint8Array(0);
  #lastCount = 0;
  readonly #chunk = new Uint8Array(64 * 1024);

  constructor(readonly conn: Deno.Conn) {}

  /** Whether there is more in what came at once, and that was more than a piece. */
  get isBurst(): boolean {
    return this.#rest.length > 0 && this.#lastCount > PIECE_SIZE;
  }

  async line(): Promise<string | undefined> {
    let end: number;
    while ((end = this.#rest.indexOf(0x0a)) < 0) if (!await this.#more()) return undefined;
    const line = decoder.decode(this.#rest.subarray(0, end)).replace(/\r$/, "");
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  async bytes(count: number): Promise<Uint8Array | undefined> {
    const whole = new Uint8Array(count);
    let at = 0;
    for (;;) {
      const part = this.#rest.subarray(0, count - at);
      whole.set(part, at);
      this.#rest = this.#rest.subarray(part.length);
      at += part.length;
      if (at === count) return whole;
      if (!await this.#more()) return undefined;
    }
  }

  async #more(): Promise<boolean> {
    const count = await this.conn.read(this.#chunk);
    if (count === null) return false;
    this.#lastCount = count;
    this.#rest = concatBytes([this.#rest, this.#chunk.subarray(0, count)]);
    return true;
  }
}
