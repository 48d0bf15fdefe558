/**
 * The main thread's side of a device thread.
 *
 * @module
 */

import { MyfsError, UnsupportedError } from "../base/errors.ts";
import type { DeviceWorkerMessage, DeviceWorkerStart, MountFault } from "./device_messages.ts";
import type { LateReader } from "./late_reader.ts";
import type { MountEvent } from "./mount_image.ts";
import type { NeighbourPushes } from "./neighbour_pushes.ts";

/** How a device thread ended, and so a mount. */
export type MountEnd = "unmounted" | "aborted" | "failed";

/** What a thread's messages lead to. */
export interface DeviceThreadLinks {
  readonly fd: number;
  readonly reader: LateReader;
  readonly pushes: NeighbourPushes;
  readonly onEvent: (event: MountEvent) => void;
}

/** A thread that answers the kernel. It costs nothing before {@link load}. */
export class DeviceThread {
  static #ready: DeviceThread | undefined;
  #worker: Worker | undefined;
  readonly #ended = Promise.withResolvers<MountEnd>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #agreed = Promise.withResolvers<boolean>();

  constructor() {
    // Whoever waits for it hears of it; nobody has to.
    this.#failed.promise.catch(() => {});
  }

  /**
   * Has a thread load its modules for the next mount of this process, which is going to take it
   * ({@link take}): for a program that has other things to load meanwhile.
   */
  static prepare(): void {
    const thread = new DeviceThread();
    thread.load();
    DeviceThread.#ready = thread;
  }

  /** The thread that was prepared, or a new one, which loads its modules from now on. */
  static take(): DeviceThread {
    const thread = DeviceThread.#ready ?? new DeviceThread();
    DeviceThread.#ready = undefined;
    thread.load();
    return thread;
  }

  /** Has it load its modules, which takes some 40 ms on a core of its own. */
  load(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./device_worker.ts", import.meta.url), { type: "module" });
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail({ message: event.message });
    };
    return this.#worker = worker;
  }

  /** How it ended, when it has. */
  get ended(): Promise<MountEnd> {
    return this.#ended.promise;
  }

  /** Rejects when it fails. */
  get failure(): Promise<never> {
    return this.#failed.promise;
  }

  /** Whether the kernel asks anew what was left unanswered: known to the thread that agreed with it. */
  get resends(): Promise<boolean> {
    return this.#agreed.promise;
  }

  /** Has it answer what comes from its descriptor. */
  start(start: DeviceWorkerStart, { fd, reader, pushes, onEvent }: DeviceThreadLinks): void {
    const worker = this.load();
    worker.onmessage = ({ data }: MessageEvent<DeviceWorkerMessage>) => {
      switch (data.kind) {
        case "loaded":
          return;
        case "read":
          return void reader.read(fd, data.read);
        case "sequence":
          return pushes.offer(data.ino);
        case "used":
          return reader.used(data.chunk);
        case "interrupted":
          return reader.interrupt(data.uniqueLow, data.uniqueHigh);
        case "fault":
          return onEvent({ kind: "fault", request: data.request, fault: data.fault });
        case "agreed":
          return this.#agreed.resolve(data.resends);
        case "refused":
          return this.#failed.reject(new UnsupportedError(`Cannot mount: ${data.reason}`));
        case "ended":
          return this.#ended.resolve(data.end === "aborted" ? "aborted" : "unmounted");
        case "failed":
          onEvent({ kind: "thread-failed", fault: data.fault });
          return this.#fail(data.fault);
      }
    };
    worker.postMessage(start);
  }

  /** Ends it, where it has not begun: it counts as ended in good order then. */
  giveUp(): void {
    if (this.#worker === undefined) this.#ended.resolve("unmounted");
  }

  /** Cuts it off. */
  terminate(): void {
    this.#worker?.terminate();
  }

  #fail({ message }: MountFault): void {
    this.#failed.reject(new MyfsError("mount", message));
    this.#ended.resolve("failed");
  }
}
