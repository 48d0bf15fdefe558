/**
 * Worker threads that answer one kind of task.
 *
 * @module
 */

import { forEachBounded } from "../base/concurrency.ts";
import { ERROR_CLASSES, MyfsError, type MyfsErrorCode } from "../base/errors.ts";
import { StopFlag } from "./stop_flag.ts";

/** Tasks that a worker has at a time, so that it never waits for the main thread between two. */
const TASKS_AHEAD = 2;

/** How long a worker may take to close: one that hangs in a system call is ended as it is. */
const CLOSE_MS_MAX = 10_000;

/** What a worker posts when a task is done. */
export type TaskAnswer<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "broken"; readonly error: unknown }
  | { readonly kind: "note"; readonly note: unknown }
  | { readonly kind: "closed" };

/** What a pool posts to a worker: first the setup, last the request to close. */
type PoolMessage<Task> =
  | { readonly kind: "setup"; readonly setup: unknown; readonly stop: SharedArrayBuffer }
  | { readonly kind: "task"; readonly task: Task }
  | { readonly kind: "close" };

/** How to set up a pool. */
export interface WorkerPoolOptions {
  /** How many workers, 1 or more. */
  readonly size: number;
  /** First message to every worker: structured-cloneable. */
  readonly setup: unknown;
  /** Told what workers say in the middle of a task. */
  readonly onNote?: (note: unknown, worker: Worker) => void;
}

interface Assignment<Task, Result> {
  readonly task: Task;
  readonly transfer: Transferable[];
  readonly alone: boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

interface Member<Task, Result> {
  readonly worker: Worker;
  /** What the worker has been sent, oldest first. */
  readonly sent: Assignment<Task, Result>[];
  /** Settles when the worker has closed what it held, or is gone. */
  readonly closed: PromiseWithResolvers<void>;
}

/** How a task is to be done. */
export interface TaskOptions {
  /** What moves to the worker instead of being copied. */
  readonly transfer?: Transferable[];
  /**
   * Whether the task is a long one: it starts before all short ones, and no other task waits behind
   * it for the same worker.
   * @default {false}
   */
  readonly alone?: boolean;
}

/**
 * A fixed number of workers that run one module. Short tasks start in the order they are given, long
 * ones likewise.
 */
export class WorkerPool<Task, Result> implements AsyncDisposable {
  readonly #stop = new StopFlag();
  readonly #members: Member<Task, Result>[];
  readonly #waiting: Assignment<Task, Result>[] = [];
  readonly #waitingAlone: Assignment<Task, Result>[] = [];
  #failure: { error: unknown } | undefined;

  /** @param module URL of the worker module, which calls {@link serveTasks}. */
  constructor(module: URL, options: WorkerPoolOptions) {
    this.#members = Array.from({ length: options.size }, () => {
      const worker = new Worker(module, { type: "module" });
      const closed = Promise.withResolvers<void>();
      const member: Member<Task, Result> = { worker, sent: [], closed };
      worker.onmessage = ({ data }: MessageEvent<TaskAnswer<Result>>) => {
        if (data.kind === "note") return options.onNote?.(data.note, worker);
        if (data.kind === "closed") return closed.resolve();
        if (data.kind === "broken") return this.#fail(reviveError(data.error));
        const assignment = member.sent.shift();
        this.#dispatch();
        if (data.kind === "done") assignment?.resolve(data.result);
        else assignment?.reject(reviveError(data.error));
      };
      worker.onerror = (event) => {
        // Otherwise Deno ends the whole process with the worker's error.
        event.preventDefault();
        closed.resolve();
        this.#fail(new Error(`A worker thread failed: ${event.message}`));
      };
      this.#post(member, { kind: "setup", setup: options.setup, stop: this.#stop.memory });
      return member;
    });
  }

  /** How many workers there are. */
  get size(): number {
    return this.#members.length;
  }

  /** Has a worker do `task`. */
  run(task: Task, options: TaskOptions = {}): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const { alone = false, transfer = [] } = options;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const queue = alone ? this.#waitingAlone : this.#waiting;
    queue.push({ task, transfer, alone, resolve, reject });
    this.#dispatch();
    return promise;
  }

  #dispatch(): void {
    if (this.#failure !== undefined) return;
    for (const member of this.#members) {
      if (member.sent.length === 0) this.#send(member, this.#waitingAlone.shift());
    }
    // While long ones wait, no worker gets more short ones: it would never be free for a long one.
    const ahead = this.#waitingAlone.length === 0 ? TASKS_AHEAD : 0;
    // One to each in turn, so that none has a queue while another has nothing.
    for (let i = 0; i < ahead && this.#waiting.length > 0; i++) {
      for (const member of this.#members) {
        if (member.sent.length <= i && takesMore(member)) this.#send(member, this.#waiting.shift());
      }
    }
  }

  #send(member: Member<Task, Result>, assignment: Assignment<Task, Result> | undefined): void {
    if (assignment === undefined) return;
    member.sent.push(assignment);
    this.#post(member, { kind: "task", task: assignment.task }, assignment.transfer);
  }

  #post(
    { worker }: Member<Task, Result>,
    message: PoolMessage<Task>,
    transfer: Transferable[] = [],
  ): void {
    worker.postMessage(message, transfer);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    const sent = this.#members.flatMap((member) => member.sent.splice(0));
    for (
      const { reject } of [...sent, ...this.#waitingAlone.splice(0), ...this.#waiting.splice(0)]
    ) {
      reject(error);
    }
  }

  /**
   * Asks the workers to stop, and rejects all tasks with `reason`. The pool can do nothing more, and
   * is still to be disposed of.
   */
  stop(reason: unknown): void {
    this.#stop.raise();
    this.#fail(reason);
  }

  /** Ends the workers, when each has closed what it held. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop(new Error("The worker pool has been closed"));
    await Promise.all(this.#members.map((member) => this.#close(member)));
  }

  async #close(member: Member<Task, Result>): Promise<void> {
    this.#post(member, { kind: "close" });
    const timer = setTimeout(member.closed.resolve, CLOSE_MS_MAX);
    await member.closed.promise;
    clearTimeout(timer);
    member.worker.terminate();
  }
}

function takesMore<Task, Result>({ sent }: Member<Task, Result>): boolean {
  return sent.length < TASKS_AHEAD && !sent.some(({ alone }) => alone);
}

/** How {@link feedPool} feeds. */
export interface FeedOptions<Item, Task, Result> {
  /** The task of an item; it may take its time, for example to fetch what the worker needs. */
  readonly prepare: (item: Item) => Task | Promise<Task>;
  /** Takes what came of an item. */
  readonly take: (result: Result, item: Item) => void;
  /**
   * How many items may be under way beside those that workers have: where {@link prepare} waits for
   * a network, this hides the waiting. It bounds the memory, too.
   * @default {0}
   */
  readonly ahead?: number;
}

/**
 * Has `pool` do a task for each item. Items start in their order and may end in any. After the first
 * failure no new one starts; those under way end, then the failure is thrown.
 */
export async function feedPool<Item, Task, Result>(
  pool: WorkerPool<Task, Result>,
  items: Iterable<Item>,
  { prepare, take, ahead = 0 }: FeedOptions<Item, Task, Result>,
): Promise<void> {
  await forEachBounded(items, pool.size * TASKS_AHEAD + ahead, async (item) => {
    take(await pool.run(await prepare(item)), item);
  });
}

/** Stops `pool` when `signal` is aborted, until the answer is disposed of. */
export function stopOnAbort<Task, Result>(
  pool: WorkerPool<Task, Result>,
  signal: AbortSignal | undefined,
): Disposable {
  const onAbort = (): void => pool.stop(signal!.reason);
  signal?.addEventListener("abort", onAbort);
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", onAbort) };
}

/** What a worker does. */
export interface TaskServer<Task, Result> {
  /** Does one task; what is in `transfer` moves to the pool's thread instead of being copied. */
  handle(task: Task): { readonly result: Result; readonly transfer: Transferable[] };
  /** Closes what the server holds open. */
  close(): void;
}

/**
 * The worker's side: sets up once, then answers each task.
 *
 * @param start Called with the pool's `setup`, and with the flag that long work has to look at.
 */
export function serveTasks<Setup, Task, Result>(
  start: (setup: Setup, stop: StopFlag) => TaskServer<Task, Result>,
): void {
  const scope = self as unknown as {
    onmessage: (event: MessageEvent<PoolMessage<Task>>) => void;
    postMessage(message: TaskAnswer<Result>, transfer?: Transferable[]): void;
  };
  let server: TaskServer<Task, Result> | undefined;
  const answer = (message: PoolMessage<Task>): void => {
    switch (message.kind) {
      case "setup":
        server = start(message.setup as Setup, new StopFlag(message.stop));
        break;
      case "task": {
        if (server === undefined) throw new Error("The worker could not be set up");
        const { result, transfer } = server.handle(message.task);
        scope.postMessage({ kind: "done", result }, transfer);
        break;
      }
      case "close":
        server?.close();
        scope.postMessage({ kind: "closed" });
    }
  };
  scope.onmessage = ({ data }) => {
    try {
      answer(data);
    } catch (error) {
      const kind = data.kind === "task" ? "failed" : "broken";
      scope.postMessage({ kind, error: flattenError(error) });
      if (data.kind === "close") scope.postMessage({ kind: "closed" });
    }
  };
}

/** Says something to the main thread in the middle of a task. */
export function postNote(note: unknown, transfer: Transferable[] = []): void {
  const scope = self as unknown as {
    postMessage(message: TaskAnswer<never>, transfer: Transferable[]): void;
  };
  scope.postMessage({ kind: "note", note }, transfer);
}

interface FlatError {
  readonly name: string;
  readonly message: string;
  readonly code: MyfsErrorCode | undefined;
  readonly hint: string | undefined;
  readonly fields: Record<string, unknown>;
}

/** Errors lose their class and fields on the way between threads: these carry what matters. */
function flattenError(error: unknown): FlatError {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error), code: undefined, hint: undefined, fields: {} };
  }
  const { name, message } = error;
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(error)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      fields[key] = value;
    }
  }
  const known = error instanceof MyfsError;
  return {
    name,
    message,
    code: known ? error.code : undefined,
    hint: known ? error.hint : undefined,
    fields,
  };
}

/** Classes of errors that stand for wrong arguments and unparsable text. */
const PLAIN_CLASSES = [TypeError, RangeError, SyntaxError];

function reviveError(error: unknown): Error {
  const { name, message, code, hint, fields } = error as FlatError;
  if (code === undefined) {
    const Class = PLAIN_CLASSES.find((each) => each.name === name) ?? Error;
    return Object.assign(new Class(message), fields, { name });
  }
  const revived = new MyfsError(code, message, hint === undefined ? {} : { hint });
  Object.setPrototypeOf(revived, ERROR_CLASSES[code].prototype);
  return Object.assign(revived, fields, { name });
}
