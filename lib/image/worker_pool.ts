/**
 * Worker threads that answer one kind of task.
 *
 * @module
 */

import { ERROR_CLASSES, MyfsError, type MyfsErrorCode } from "../base/errors.ts";

/** Tasks that a worker has at a time, so that it never waits for the main thread between two. */
const TASKS_AHEAD = 2;

/** What a worker posts when a task is done. */
export type TaskAnswer<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "broken"; readonly error: unknown }
  | { readonly kind: "note"; readonly note: unknown };

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
export class WorkerPool<Task, Result> implements Disposable {
  readonly #members: Member<Task, Result>[];
  readonly #waiting: Assignment<Task, Result>[] = [];
  readonly #waitingAlone: Assignment<Task, Result>[] = [];
  readonly #wakeUps: (() => void)[] = [];
  #failure: { error: unknown } | undefined;

  /** @param module URL of the worker module, which calls {@link serveTasks}. */
  constructor(module: URL, options: WorkerPoolOptions) {
    this.#members = Array.from({ length: options.size }, () => {
      const worker = new Worker(module, { type: "module" });
      const member: Member<Task, Result> = { worker, sent: [] };
      worker.onmessage = ({ data }: MessageEvent<TaskAnswer<Result>>) => {
        if (data.kind === "note") return options.onNote?.(data.note, worker);
        if (data.kind === "broken") return this.#fail(reviveError(data.error));
        const assignment = member.sent.shift();
        this.#dispatch();
        if (data.kind === "done") assignment?.resolve(data.result);
        else assignment?.reject(reviveError(data.error));
      };
      worker.onerror = (event) => {
        // Otherwise Deno ends the whole process with the worker's error.
        event.preventDefault();
        this.#fail(new Error(`A worker thread failed: ${event.message}`));
      };
      worker.postMessage(options.setup);
      return member;
    });
  }

  /**
   * Waits until a new task would start at once. Callers whose tasks hold much memory await it before
   * each {@link run}.
   */
  async ready(): Promise<void> {
    while (this.#failure === undefined && !this.#hasRoom()) {
      await new Promise<void>((resolve) => this.#wakeUps.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure.error;
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

  #hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#waitingAlone.length === 0 &&
      this.#members.some(takesMore);
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
    if (this.#hasRoom()) { for (const wake of this.#wakeUps.splice(0)) wake(); }
  }

  #send(member: Member<Task, Result>, assignment: Assignment<Task, Result> | undefined): void {
    if (assignment === undefined) return;
    member.sent.push(assignment);
    member.worker.postMessage(assignment.task, assignment.transfer);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    const sent = this.#members.flatMap((member) => member.sent.splice(0));
    for (
      const { reject } of [...sent, ...this.#waitingAlone.splice(0), ...this.#waiting.splice(0)]
    ) {
      reject(error);
    }
    for (const wake of this.#wakeUps.splice(0)) wake();
  }

  /** Ends the workers at once; tasks under way are rejected with `reason`. */
  stop(reason: unknown): void {
    for (const { worker } of this.#members) worker.terminate();
    this.#fail(reason);
  }

  /** Ends the workers. */
  [Symbol.dispose](): void {
    this.stop(new Error("The worker pool has been closed"));
  }
}

function takesMore<Task, Result>({ sent }: Member<Task, Result>): boolean {
  return sent.length < TASKS_AHEAD && !sent.some(({ alone }) => alone);
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

/**
 * The worker's side: sets up once, then answers each task with what `handle` returns.
 *
 * @param start Called with the pool's `setup`; gives the function that does tasks.
 */
export function serveTasks<Setup, Task, Result>(
  start: (setup: Setup) => (task: Task) => { result: Result; transfer: Transferable[] },
): void {
  const scope = self as unknown as {
    onmessage: (event: MessageEvent) => void;
    postMessage(message: TaskAnswer<Result>, transfer?: Transferable[]): void;
  };
  let handle: ((task: Task) => { result: Result; transfer: Transferable[] }) | undefined;
  scope.onmessage = ({ data }) => {
    if (handle === undefined) {
      try {
        handle = start(data as Setup);
      } catch (error) {
        scope.postMessage({ kind: "broken", error: flattenError(error) });
      }
      return;
    }
    try {
      const { result, transfer } = handle(data as Task);
      scope.postMessage({ kind: "done", result }, transfer);
    } catch (error) {
      scope.postMessage({ kind: "failed", error: flattenError(error) });
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

function reviveError(error: unknown): Error {
  const { name, message, code, hint, fields } = error as FlatError;
  if (code === undefined) return Object.assign(new Error(message), fields, { name });
  const revived = new MyfsError(code, message, hint === undefined ? {} : { hint });
  Object.setPrototypeOf(revived, ERROR_CLASSES[code].prototype);
  return Object.assign(revived, fields, { name });
}
