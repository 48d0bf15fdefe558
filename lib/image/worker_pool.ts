/**
 * Worker threads that answer one kind of task.
 *
 * @module
 */

import { MyfsError } from "../base/errors.ts";

/** Tasks sent ahead to each worker, so that none waits for the main thread between two. */
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

interface Member {
  readonly worker: Worker;
  /** Tasks that the worker has been sent, oldest first. */
  readonly sent: { resolve: (result: never) => void; reject: (error: unknown) => void }[];
}

/**
 * A fixed number of workers that run one module. Tasks start in the order they are given, and each
 * worker answers its own in order.
 */
export class WorkerPool<Task, Result> implements Disposable {
  readonly #members: Member[];
  readonly #slots: (() => void)[] = [];
  #failure: { error: unknown } | undefined;

  /** @param module URL of the worker module, which calls {@link serveTasks}. */
  constructor(module: URL, options: WorkerPoolOptions) {
    this.#members = Array.from({ length: options.size }, () => {
      const worker = new Worker(module, { type: "module" });
      const member: Member = { worker, sent: [] };
      worker.onmessage = ({ data }: MessageEvent<TaskAnswer<Result>>) => {
        if (data.kind === "note") return options.onNote?.(data.note, worker);
        if (data.kind === "broken") return this.#fail(reviveError(data.error));
        const task = member.sent.shift();
        if (task === undefined) return;
        if (data.kind === "done") task.resolve(data.result as never);
        else task.reject(reviveError(data.error));
        this.#slots.shift()?.();
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
   * Waits until a worker has room for another task. Callers that await it before each
   * {@link run} keep the number of tasks in memory bounded.
   */
  async ready(): Promise<void> {
    while (this.#failure === undefined && this.#leastBusy().sent.length >= TASKS_AHEAD) {
      await new Promise<void>((resolve) => this.#slots.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Has a worker do `task`. `transfer` moves to the worker. */
  run(task: Task, transfer: Transferable[] = []): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const member = this.#leastBusy();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    member.sent.push({ resolve, reject });
    member.worker.postMessage(task, transfer);
    return promise;
  }

  #leastBusy(): Member {
    return this.#members.reduce((best, member) =>
      member.sent.length < best.sent.length ? member : best
    );
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { sent } of this.#members) {
      for (const task of sent.splice(0)) task.reject(error);
    }
    for (const wake of this.#slots.splice(0)) wake();
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
  readonly code: string | undefined;
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
  const flat = error as FlatError;
  const revived = flat.code === undefined ? new Error(flat.message) : new MyfsError(
    flat.code as MyfsError["code"],
    flat.message,
    flat.hint === undefined ? {} : { hint: flat.hint },
  );
  return Object.assign(revived, flat.fields, { name: flat.name });
}
