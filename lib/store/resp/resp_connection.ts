/**
 * One connection to a server that speaks RESP: requests go out one after another without waiting, and
 * replies come in the same order.
 *
 * @module
 */

import { MyfsError, StoreUnavailableError } from "../../base/errors.ts";
import { RespReader } from "./resp_reader.ts";
import { RespProtocolError, type RespReply } from "./resp_reply.ts";
import { requestSize, type RespRequest } from "./resp_request.ts";

/** The ends of an established connection. */
export interface RespSocket {
  /** Reads at least one byte into the array and tells how many; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes at least one byte of the array and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; what is being read or written fails. */
  close(): void;
}

/** What a connection leads to. */
export interface RespEndpoint {
  /** The store, without secrets, for errors. */
  readonly url: string;
  /** Connects. @throws a `MyfsError` that says why not. */
  connect(signal: AbortSignal): Promise<RespSocket>;
  /** What is sent before all else, such as a password. */
  readonly greeting: RespRequest;
  /**
   * Judges the replies to the greeting, of which the last may be missing.
   *
   * @throws a `MyfsError` when the server cannot be used.
   */
  checkGreeting(replies: readonly RespReply[]): void;
}

/** Bytes that are handed to the system at a time: a block of 512 KiB takes two or three calls. */
const WRITE_SIZE = 256 * 1024;

/** How long connecting and greeting may take, in milliseconds. */
const GREETING_MAX_MS = 10_000;

/** How long a connection may be silent when someone gives up waiting for it, in milliseconds. */
const SILENCE_MAX_MS = 1000;

const LINE_END = new TextEncoder().encode("\r\n");

/** A request on its way. */
interface Call {
  readonly head: Uint8Array;
  /** Belongs to the caller until the call settles; absent again when all of it is sent. */
  value: Uint8Array | undefined;
  /** Bytes of head, value and line end together. */
  readonly length: number;
  /** How many of them were taken to be sent. */
  sent: number;
  /** How many replies come, and those that came. */
  readonly replyCount: number;
  readonly replies: RespReply[];
  /** What it counts for in the load of the connection, in bytes. */
  readonly weight: number;
  readonly resolve: (replies: readonly RespReply[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Connects at once, and is used up when it breaks: all calls under way fail then, and no request is
 * ever sent a second time.
 *
 * What goes out is gathered in a buffer of its own. So small requests share a system call, and the
 * array of a caller who gives up half-way is let go of at once. What comes in is read straight into
 * the array of the value (see {@link RespReader}).
 */
export class RespConnection {
  readonly #endpoint: RespEndpoint;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  /** Calls that wait until the greeting is answered. */
  #held: Call[] = [];
  /** Calls of which something is still to be sent, in order. */
  #unsent: Call[] = [];
  /** Calls of which something was sent and which are not answered, in order. */
  #awaiting: Call[] = [];
  #greetingCall: Call | undefined;
  #outgoing: Uint8Array | undefined;
  #socket: RespSocket | undefined;
  #isReady = false;
  #isWriting = false;
  #load = 0;
  /** Bytes of requests since nothing was under way. */
  #burst = 0;
  /** When the last bytes went or came, or something was first waited for. */
  #progressMs = performance.now();
  #failure: { readonly error: unknown } | undefined;
  #writing: Promise<void> | undefined;
  readonly #ended: Promise<void>;

  /** @param onChange Told when the load becomes less, and when the connection ends. */
  constructor(endpoint: RespEndpoint, onChange: () => void) {
    this.#endpoint = endpoint;
    this.#onChange = onChange;
    this.#ended = this.#run();
  }

  /** Bytes that are expected to go or come before a new request is answered. */
  get load(): number {
    return this.#load;
  }

  /**
   * Whether a request of `length` bytes may follow what is under way, where no more than
   * `burstSizeMax` bytes may be sent until all is answered. One alone may be of any length.
   */
  takes(length: number, burstSizeMax: number): boolean {
    return this.#load === 0 || this.#burst + length <= burstSizeMax;
  }

  /** Whether calls can be made. */
  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * Sends a request and gives its replies. A caller who gives up is released at once: the request is
   * not sent where nothing of it was, else its replies are dropped when they come.
   *
   * @param weight What the request counts for in the load, in bytes.
   * @throws {StoreUnavailableError} that may be retried when the connection breaks.
   */
  call(
    request: RespRequest,
    weight: number,
    signal?: AbortSignal,
  ): Promise<readonly RespReply[]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure.error;
      const leave = (): void => signal?.removeEventListener("abort", giveUp);
      const call = newCall(request, weight, {
        resolve: (replies) => (leave(), resolve(replies)),
        reject: (error) => (leave(), reject(error)),
      });
      const giveUp = (): void => {
        call.reject(signal!.reason);
        this.#abandon(call);
      };
      signal?.addEventListener("abort", giveUp);
      if (this.#load === 0) this.#progressMs = performance.now();
      this.#load += weight;
      this.#burst += call.length;
      if (!this.#isReady) this.#held.push(call);
      else this.#send(call);
    });
  }

  /** Ends the connection; calls under way fail. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#break(unavailable(this.#endpoint.url, "the store was closed", false));
    await this.#ended;
    await this.#writing;
  }

  async #run(): Promise<void> {
    const work: Promise<void>[] = [];
    const limit = setTimeout(
      () => this.#break(this.#broken(`no greeting within ${GREETING_MAX_MS / 1000} s`)),
      GREETING_MAX_MS,
    );
    try {
      this.#socket = await this.#endpoint.connect(this.#stop.signal);
      if (!this.isOpen) return this.#socket.close();
      const greeted = this.#greet().finally(() => clearTimeout(limit));
      work.push(greeted, this.#readAll(this.#socket));
      await Promise.all(work);
    } catch (error) {
      this.#break(error instanceof MyfsError ? error : this.#broken(reasonOf(error)));
    } finally {
      clearTimeout(limit);
      await Promise.allSettled(work);
    }
  }

  async #greet(): Promise<void> {
    const greeting = new Promise<readonly RespReply[]>((resolve, reject) => {
      const call = newCall(this.#endpoint.greeting, 0, { resolve, reject });
      this.#greetingCall = call;
      this.#send(call);
    });
    this.#endpoint.checkGreeting(await greeting);
    this.#isReady = true;
    const held = this.#held;
    this.#held = [];
    for (const call of held) this.#send(call);
  }

  #send(call: Call): void {
    this.#unsent.push(call);
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = this.#writeAll(this.#socket!);
  }

  async #writeAll(socket: RespSocket): Promise<void> {
    try {
      // What is asked for in the same turn goes out together.
      await undefined;
      this.#outgoing ??= new Uint8Array(WRITE_SIZE);
      for (;;) {
        const length = this.#gather(this.#outgoing);
        if (length === 0) break;
        for (let at = 0; at < length;) {
          at += await socket.write(this.#outgoing.subarray(at, length));
          this.#progressMs = performance.now();
        }
      }
    } catch (error) {
      // A server that turns us away hangs up before it has heard us: what it said is still to be read.
      if (this.#isReady) this.#break(this.#broken(reasonOf(error)));
    } finally {
      this.#isWriting = false;
    }
  }

  /** Fills `buffer` with what is to be sent next and tells how many bytes that is. */
  #gather(buffer: Uint8Array): number {
    let length = 0;
    while (length < buffer.length) {
      const call = this.#unsent[0];
      if (call === undefined) break;
      if (call.sent === 0) this.#awaiting.push(call);
      length += takeUnsent(call, buffer.subarray(length));
      if (call.sent < call.length) break;
      call.value = undefined;
      this.#unsent.shift();
    }
    return length;
  }

  async #readAll(socket: RespSocket): Promise<void> {
    const reader = new RespReader({
      read: async (into) => {
        const count = await socket.read(into);
        this.#progressMs = performance.now();
        return count;
      },
    });
    for (;;) {
      const reply = await reader.read();
      if (reply === undefined) throw new RespProtocolError("the server closed it");
      const call = this.#awaiting[0];
      if (call === undefined) throw new RespProtocolError("it sent what nobody asked for");
      call.replies.push(reply);
      if (call.replies.length < call.replyCount) continue;
      this.#awaiting.shift();
      this.#unload(call);
      call.resolve(call.replies);
      // An answer before all was asked is a refusal, and what was left to send has no meaning now.
      if (call.sent < call.length) throw new RespProtocolError("it refused a request half-way");
      this.#onChange();
    }
  }

  #unload({ weight }: Call): void {
    this.#load -= weight;
    if (this.#load === 0) this.#burst = 0;
  }

  /** Does what is to be done when nobody waits for a call any more. */
  #abandon(call: Call): void {
    if (call.sent === 0) {
      this.#held = this.#held.filter((other) => other !== call);
      this.#unsent = this.#unsent.filter((other) => other !== call);
      this.#unload(call);
      this.#onChange();
      return;
    }
    // The rest of a request that was begun must follow, and its array is the caller's again.
    call.value &&= call.value.slice();
    // Silence so long means that the connection is dead, and who comes next needs another one.
    if (this.#isReady && performance.now() - this.#progressMs > SILENCE_MAX_MS) {
      this.#break(this.#broken("the server fell silent"));
    }
  }

  #broken(reason: string): StoreUnavailableError {
    return unavailable(this.#endpoint.url, reason, true);
  }

  #break(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error: this.#saidInGreeting() ?? error };
    this.#stop.abort(error);
    this.#socket?.close();
    // One that is half sent is in two of the lists.
    const calls = new Set([...this.#awaiting, ...this.#unsent, ...this.#held]);
    [this.#awaiting, this.#unsent, this.#held] = [[], [], []];
    this.#load = 0;
    for (const call of calls) call.reject(this.#failure.error);
    this.#onChange();
  }

  /** What a server said against us before it hung up, which tells more than that it did. */
  #saidInGreeting(): unknown {
    if (this.#isReady || this.#greetingCall === undefined) return undefined;
    try {
      this.#endpoint.checkGreeting(this.#greetingCall.replies);
    } catch (error) {
      return error;
    }
    return undefined;
  }
}

function newCall(
  request: RespRequest,
  weight: number,
  outcome: Pick<Call, "resolve" | "reject">,
): Call {
  const { head, value, replies } = request;
  return {
    head,
    value,
    length: requestSize(request),
    sent: 0,
    replyCount: replies,
    replies: [],
    weight,
    ...outcome,
  };
}

/** Copies what is left to be sent of `call` into `target`, as far as there is room; tells how much. */
function takeUnsent(call: Call, target: Uint8Array): number {
  const { head, value } = call;
  let taken = copyPart(head, call.sent, target);
  if (value !== undefined) {
    taken += copyPart(value, call.sent + taken - head.length, target.subarray(taken));
    taken += copyPart(
      LINE_END,
      call.sent + taken - head.length - value.length,
      target.subarray(taken),
    );
  }
  call.sent += taken;
  return taken;
}

/** Copies `source` from `start` on, where that is in it, as far as there is room in `target`. */
function copyPart(source: Uint8Array, start: number, target: Uint8Array): number {
  if (start < 0 || start >= source.length) return 0;
  const part = source.subarray(start, start + target.length);
  target.set(part);
  return part.length;
}

function unavailable(url: string, reason: string, retryable: boolean): StoreUnavailableError {
  return new StoreUnavailableError(url, `Cannot talk to ${url}: ${reason}`, {
    retryable,
    ...(retryable ? { hint: "Check that the server is up, and what its log says." } : {}),
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof RespProtocolError) return error.message;
  return `the connection broke (${error instanceof Error ? error.message : String(error)})`;
}
