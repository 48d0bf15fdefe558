/**
 * Images as read-only file systems, without unpacking them.
 *
 * @module
 */

import { absolutePath } from "../base/absolute_path.ts";
import { displayByteString } from "../base/byte_string.ts";
import { MountError, StoreUnavailableError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import type { FlistReader } from "../flist/flist_reader.ts";
import { cloneFuseDevice, closeDescriptor, isConnected } from "../fuse/device_file.ts";
import { mountDevice } from "../fuse/kernel_device.ts";
import { abortConnection, setReadAhead } from "../fuse/kernel_tuning.ts";
import { LateReplies } from "../fuse/late_reply.ts";
import { findMount, type MountEntry } from "../fuse/mount_table.ts";
import { notifyResend } from "../fuse/notify.ts";
import { OPCODE_LIMIT, OPCODES } from "../fuse/opcodes.ts";
import { type Holder, stopHolder } from "../fuse/takeover.ts";
import { traceLateReply } from "../fuse/trace.ts";
import { unmount, unmountEntry } from "../fuse/unmount.ts";
import { codecSetupOf } from "../image/flist_codec.ts";
import { type ReadStoreOptions, useStoreOf } from "../image/image_stores.ts";
import { isOwnFlist } from "../image/own_flists.ts";
import type { LocalPlacement } from "../store/store.ts";
import { parseStoreSpec } from "../store/store_url.ts";
import { StoreMetricsCollector } from "../store/wrappers/store_metrics.ts";
import { ChunkOpeners } from "./chunk_openers.ts";
import { type DeviceWorkerStart, faultOf, type MountFault } from "./device_messages.ts";
import { DeviceThread, type MountEnd } from "./device_thread.ts";
import { LateReader, type ReplyWriter } from "./late_reader.ts";
import { LateStore } from "./late_store.ts";
import { type Prefetch, Prefetcher, type PrefetchStatistics } from "./prefetcher.ts";
import { MOUNT_COUNTER, MountCounters } from "./mount_counters.ts";
import { keepMount, type MountKeeping, type StampedFlist, takeOverMount } from "./mount_keeping.ts";
import { type MountStatus, ShareSampler, storeStatuses } from "./mount_status.ts";
import { probeMount } from "./mount_state.ts";
import { clearStaleMount, mountPath } from "./mounts.ts";
import { NeighbourPushes } from "./neighbour_pushes.ts";
import { flistStamp, openSameFlist } from "./same_flist.ts";
import { SharedChunks } from "./shared_chunks.ts";
import { StatusSocketServer } from "./status_socket.ts";
import {
  mountOverlay,
  type OverlayPlaces,
  prepareOverlay,
  removeWorkDirectory,
  unmountOverlay,
} from "./writable_overlay.ts";

export type { MountFault } from "./device_messages.ts";
export type { MountEnd } from "./device_thread.ts";

/** Threads that answer the kernel: two are twice as fast as one, and more are no faster. */
const DEVICE_THREADS = 2;

/** How far the kernel reads ahead, where that can be set. */
const READ_AHEAD_KIB = 2048;

/**
 * How long mounting waits for stores on a network; those that take longer are opened meanwhile, and
 * the main thread fetches from them.
 */
const STORE_WAIT_MS = 100;

/** As {@link STORE_WAIT_MS}, for directories of this machine, from which the threads read by themselves. */
const LOCAL_WAIT_MS = 10_000;

/** How long a store may take before a read fails. @see StoreTuning.deadlineMs */
const DEADLINE_DEFAULT_MS = 30_000;

/** Bytes a second that are fetched ahead of programs: leaves room on a network of a gigabit. */
const PREFETCH_RATE_DEFAULT = 32 * 1024 * 1024;

/** How long programs may keep a mount that is to end. */
const GRACE_MS = 1000;

/** How to mount an image. */
export interface MountImageOptions extends Omit<ReadStoreOptions, "heal" | "onHeal"> {
  /**
   * Whether other users may look into it. Permissions of files and directories count all the same.
   *
   * @default {true} for root, false for others
   */
  readonly allowOther?: boolean;
  /**
   * What becomes of the mount when this process is killed: programs that use it wait for another
   * process, and go on with what they have open. Needs Linux 6.9; before, they get errors.
   *
   * @default programs get errors
   */
  readonly keep?: MountKeeping;
  /**
   * Whether to serve the mount on `target`, of the same flist, whose process was killed, instead of
   * making one. `allowOther` and `writable` stay as they are.
   *
   * @default {false}
   */
  readonly takeOver?: boolean;
  /**
   * Directory that takes changes, which makes the mount writable; `commitOverlay` makes a new image of
   * them. It is made where it is missing. Beside it lies a work directory, `<directory>.work`, while
   * it is mounted. Root only.
   */
  readonly writable?: string;
  /**
   * Blocks to put in the cache in the background: `"all"`, or these in their order, such as
   * {@link ImageMount.firstUses} of an earlier mount. Those that the flist does not name are left
   * out. Needs a cache; does nothing where the blocks are in directories of this machine.
   *
   * @default nothing
   */
  readonly prefetch?: Prefetch;
  /** Most bytes of blocks a second that are fetched so. @default {33554432} */
  readonly prefetchRate?: number;
  /** Told of what happens while it is mounted. */
  readonly onEvent?: (event: MountEvent) => void;
  /**
   * Told of each request of the kernel and of each reply, as a line for people ({@link TRACE_LEGEND}):
   * to find out what a program does, or what is wrong. It slows the mount down.
   */
  readonly onTrace?: (line: string) => void;
  /** Ends the mount. */
  readonly signal?: AbortSignal;
}

/** Something that happened to a mount. */
export type MountEvent =
  /** A program got the error EIO. */
  | { readonly kind: "fault"; readonly request: string; readonly fault: MountFault }
  /** The stores could not be opened yet. Each read that needs them tries again. */
  | { readonly kind: "store-away"; readonly fault: MountFault }
  /** What a process left on the directory that died was removed. */
  | { readonly kind: "stale-removed"; readonly fault: MountFault }
  /** The mount will not outlive this process, though that was asked for. */
  | { readonly kind: "not-kept"; readonly fault: MountFault }
  /** A thread that answers the kernel has ended, for no good reason. */
  | { readonly kind: "thread-failed"; readonly fault: MountFault };

/** What a mount has done so far. */
export interface MountStatistics {
  /** Requests of the kernel, by name. */
  readonly requests: Readonly<Record<string, number>>;
  /** Chunks that were decrypted and decompressed. */
  readonly chunksOpened: number;
  /** Bytes of their blocks. */
  readonly blockBytes: number;
  /** Bytes that the kernel asked for and got. */
  readonly bytesRead: number;
  /** Bytes of small files that it got before it asked. */
  readonly bytesPushed: number;
  /** Reads that had to wait for a store or the cache on disk. */
  readonly readsWaited: number;
  /** Requests that failed with EIO. */
  readonly errors: number;
  /** Bytes of opened chunks in memory. */
  readonly chunkBytesKept: number;
  /** What was fetched ahead, where that was asked for. */
  readonly prefetch?: PrefetchStatistics;
}

/**
 * Mounts the image whose flist is `meta` on the directory `target`, read only. It is ready at once:
 * content is fetched when programs read it. A flist on a hub, or at a web address, is mounted by the
 * path that `resolveFlist` gives.
 *
 * Metadata, and content of stores in local directories, are answered by threads. For what comes from
 * elsewhere this thread must be free now and then: a program that reads from its own mount does so
 * asynchronously.
 *
 * @throws {FlistNotFoundError} {FlistFormatError} when `meta` is no flist.
 * @throws {MountError} when the target is no directory, or it may not be mounted on.
 * @throws {UnsupportedError} when this system has no FUSE.
 * @throws {UntrustedRouteError} when the flist is from elsewhere and leads to this machine.
 *
 * @example
 * ```ts ignore
 * await using mount = await mountImage("tree.fl", "/mnt/tree");
 * console.log(await Deno.readTextFile("/mnt/tree/etc/motd"));
 * ```
 */
export async function mountImage(
  meta: string,
  target: string,
  options: MountImageOptions = {},
): Promise<ImageMount> {
  options.signal?.throwIfAborted();
  if (options.prefetch !== undefined && options.cache === undefined) {
    throw new TypeError("Cannot fetch blocks ahead without a cache to keep them in");
  }
  if (options.prefetchRate !== undefined && !(options.prefetchRate > 0)) {
    throw new RangeError(`Cannot fetch ${options.prefetchRate} bytes a second ahead`);
  }
  await using opening = new AsyncDisposableStack();
  // The first loads its modules while the flist and the stores are opened.
  const threads = [DeviceThread.take()];
  while (threads.length < DEVICE_THREADS) threads.push(new DeviceThread());
  opening.defer(() => threads.forEach((thread) => thread.terminate()));
  const path = absolutePath(meta);
  const stamp = flistStamp(path);
  const flist = opening.use(openSameFlist(path, stamp));
  const onEvent = options.onEvent ?? (() => {});
  const metrics = options.storeOptions?.metrics ?? new StoreMetricsCollector({ remoteOnly: true });
  const storeOptions = { ...options.storeOptions, metrics };
  // Asked once, and before the wait for the stores: for a large flist it takes a moment.
  const trustRoutes = options.trustRoutes ??
    (options.store === undefined && await isOwnFlist(path, options.stateFolder));
  const storesOptions = { ...options, storeOptions, trustRoutes };
  const store = opening.use(new LateStore(() => useStoreOf(flist, storesOptions)));
  const isNear = urlsOf(flist, options).every((url) => /^dir:/i.test(url));
  const local = await placementOf(store, onEvent, isNear ? LOCAL_WAIT_MS : STORE_WAIT_MS);

  const device = options.takeOver === true
    ? await takenDevice(target, { meta: path, stamp }, opening)
    : await newDevice(target, path, { options, onEvent, flist, opening });
  const { descriptors, entry, overlay } = device;
  const mount = new ImageMount({
    flist,
    stamp,
    store,
    local,
    threads,
    descriptors,
    entry,
    options,
    metrics,
    holder: device.holder,
  });
  // All that was opened is the mount's from now on.
  opening.move();
  try {
    if (options.takeOver === true) notifyResend(descriptors[0]!);
    await Promise.all([mount.answers(), mount.openSocket()]);
    if (overlay !== undefined) await mountOverlay(mount.target, path, overlay);
    await mount.settle();
    await device.release?.();
  } catch (error) {
    await mount[Symbol.asyncDispose]();
    throw error;
  }
  await setReadAhead(entry.device, READ_AHEAD_KIB);
  mount.startPrefetch();
  mount.startOtherThreads();
  return mount;
}

/** A device with its mount. */
interface MountedDevice {
  readonly descriptors: readonly number[];
  readonly entry: MountEntry;
  /** What is to be mounted on top. */
  readonly overlay?: OverlayPlaces;
  /** Who keeps the mount already. */
  readonly holder?: Holder;
  /** Ends who kept it until now. */
  readonly release?: () => Promise<void>;
}

/** What {@link newDevice} needs besides the target and the flist's path. */
interface NewDeviceParts {
  readonly options: MountImageOptions;
  readonly onEvent: (event: MountEvent) => void;
  readonly flist: FlistReader;
  readonly opening: AsyncDisposableStack;
}

/** Mounts. */
async function newDevice(
  target: string,
  path: string,
  { options, onEvent, flist, opening }: NewDeviceParts,
): Promise<MountedDevice> {
  if (await clearStaleMount(target)) {
    const message = `What a process left on ${displayByteString(target)} that has died was removed`;
    onEvent({ kind: "stale-removed", fault: { message } });
  }
  const { writable, allowOther } = options;
  const overlay = writable === undefined
    ? undefined
    : await prepareOverlay(writable, target, flist);
  if (overlay !== undefined) opening.defer(() => removeWorkDirectory(overlay.upper));
  const fd = await mountDevice(target, {
    source: path,
    ...(allowOther === undefined ? {} : { allowOther }),
  });
  const descriptors = [fd];
  opening.defer(() => descriptors.forEach(closeDescriptor));
  const mounted = await Deno.realPath(target).catch(() => target);
  opening.defer(async () => {
    await unmount(mounted, { lazy: true });
  });
  while (descriptors.length < DEVICE_THREADS) {
    // Where the device may not be opened again, the threads read from the same descriptor.
    const clone = cloneFuseDevice(fd);
    if (clone === undefined) break;
    descriptors.push(clone);
  }
  const entry = await findMount(mounted);
  if (entry === undefined) {
    throw new MountError(target, "the kernel's table does not show the mount");
  }
  return { descriptors, entry, ...(overlay === undefined ? {} : { overlay }) };
}

/** Takes a mount over. */
async function takenDevice(
  target: string,
  flist: StampedFlist,
  opening: AsyncDisposableStack,
): Promise<MountedDevice> {
  const entry = await findMount(await mountPath(target));
  if (entry === undefined) {
    throw new MountError(target, "there is no mount to take over", {
      hint: "Mount without --takeover.",
    });
  }
  const { descriptors, holder, release } = await takeOverMount(entry, flist);
  opening.defer(() => descriptors.forEach(closeDescriptor));
  return { descriptors, entry, release, ...(holder === undefined ? {} : { holder }) };
}

/** The URLs of the stores that are to be read from; none for one that is open. */
function urlsOf(flist: FlistReader, { store }: MountImageOptions): string[] {
  if (store === undefined) return flist.routes().map(({ url }) => url);
  if (typeof store === "string") return [parseStoreSpec(store).url];
  return Array.isArray(store) ? store.map((spec) => parseStoreSpec(spec).url) : [];
}

/** Where the blocks are on this machine; undefined where they are not, or it is not known in time. */
async function placementOf(
  store: LateStore,
  onEvent: (event: MountEvent) => void,
  waitMs: number,
): Promise<LocalPlacement | undefined> {
  const away = (error: unknown): undefined => {
    onEvent({ kind: "store-away", fault: faultOf(error) });
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((settle) => {
    timer = setTimeout(() => settle("late"), waitMs);
  });
  const opened = store.get();
  try {
    const first = await Promise.race([opened, late]);
    if (first !== "late") return first.local;
    opened.catch(away);
    return undefined;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError) || !error.retryable) throw error;
    return away(error);
  } finally {
    clearTimeout(timer);
  }
}

interface ImageMountParts {
  readonly flist: FlistReader;
  readonly stamp: string;
  readonly store: LateStore;
  readonly local: LocalPlacement | undefined;
  readonly threads: readonly DeviceThread[];
  readonly descriptors: readonly number[];
  readonly entry: MountEntry;
  readonly options: MountImageOptions;
  readonly metrics: StoreMetricsCollector;
  /** Who keeps it already. */
  readonly holder: Holder | undefined;
}

/** Tells of replies that come late as well. */
function tracedReplies(replies: ReplyWriter, onTrace: MountImageOptions["onTrace"]): ReplyWriter {
  if (onTrace === undefined) return replies;
  return {
    content: replies.content,
    answer: (fd, low, high, length) => {
      onTrace(traceLateReply(low, high, { length }));
      return replies.answer(fd, low, high, length);
    },
    fail: (fd, low, high, error) => {
      onTrace(traceLateReply(low, high, { error }));
      return replies.fail(fd, low, high, error);
    },
  };
}

/** A mounted image. Disposing it unmounts. */
export class ImageMount implements AsyncDisposable {
  /** Directory it is on, as an absolute path without links. */
  readonly target: string;
  /** Settles when the mount is gone and all that it held is closed, whoever ended it. */
  readonly finished: Promise<MountEnd>;
  readonly #entry: MountEntry;
  readonly #threads: readonly DeviceThread[];
  readonly #counters: MountCounters;
  readonly #chunks: SharedChunks;
  readonly #requests: readonly Uint32Array[];
  readonly #parts: ImageMountParts;
  readonly #servedSinceMs = Date.now();
  readonly #shares: ShareSampler;
  readonly #reader: LateReader;
  #prefetcher: Prefetcher | undefined;
  #usesAtEnd: BlockId[] | undefined;
  #lastFault: MountFault | undefined;
  #holder: Holder | undefined;
  #socket: StatusSocketServer | undefined;
  #isServed = true;
  #unmounting: Promise<void> | undefined;
  readonly #startThread: (index: number) => void;
  #othersTimer: ReturnType<typeof setTimeout> | undefined;

  /** Use {@link mountImage}. */
  constructor(parts: ImageMountParts) {
    const { flist, stamp, store, local, threads, descriptors, entry, options } = parts;
    const { target } = entry;
    this.#parts = parts;
    this.#shares = new ShareSampler(flist);
    this.#entry = entry;
    this.target = target;
    this.#threads = threads;
    const chunks = SharedChunks.allocate();
    const counters = MountCounters.allocate();
    this.#chunks = new SharedChunks(chunks);
    this.#counters = new MountCounters(counters);
    const codec = codecSetupOf(flist);
    const onEvent = (event: MountEvent): void => {
      if (event.kind === "fault") this.#lastFault = event.fault;
      options.onEvent?.(event);
    };
    const openers = new ChunkOpeners(codec);
    const reader = new LateReader({
      flist,
      open: (ref, block) => openers.open(ref, block),
      chunks: this.#chunks,
      counters: this.#counters,
      store,
      replies: tracedReplies(new LateReplies(), options.onTrace),
      deadlineMs: options.storeOptions?.deadlineMs ?? DEADLINE_DEFAULT_MS,
      onFault: (error) => onEvent({ kind: "fault", request: "READ", fault: faultOf(error) }),
    });
    this.#reader = reader;
    const pushes = new NeighbourPushes({
      fd: descriptors[0]!,
      meta: flist.path,
      stamp,
      chunks,
      counters,
      onUse: (chunk) => {
        if (local === undefined) reader.used(chunk);
      },
    });
    this.#requests = threads.map(() => new Uint32Array(new SharedArrayBuffer(4 * OPCODE_LIMIT)));
    this.#startThread = (index) => {
      const fd = descriptors[index] ?? descriptors[0]!;
      const start: DeviceWorkerStart = {
        isExtra: index > 0,
        fd,
        meta: flist.path,
        stamp,
        codec,
        local,
        chunks,
        counters,
        requests: this.#requests[index]!,
        traces: options.onTrace !== undefined,
      };
      threads[index]!.start(start, { fd, reader, pushes, onEvent, onTrace: options.onTrace });
    };
    this.#startThread(0);
    const stop = (): void => {
      this.unmount().catch((error) => onEvent({ kind: "thread-failed", fault: faultOf(error) }));
    };
    options.signal?.addEventListener("abort", stop, { once: true });
    this.finished = (async () => {
      await threads[0]!.ended;
      clearTimeout(this.#othersTimer);
      threads.forEach((thread) => thread.giveUp());
      const ends = await Promise.all(threads.map(({ ended }) => ended));
      this.#isServed = false;
      options.signal?.removeEventListener("abort", stop);
      reader.close();
      // Threads that failed have left the mount behind, and nobody answers for it. Whoever waits for
      // them gets an error: programs, and the thread that pushes content.
      if (ends.includes("failed")) {
        if (isConnected(descriptors[0]!)) await unmountEntry(entry, { lazy: true });
        await abortConnection(entry.connection);
      }
      threads.forEach((thread) => thread.terminate());
      await pushes[Symbol.asyncDispose]();
      descriptors.forEach(closeDescriptor);
      if (this.#holder !== undefined) await stopHolder(this.#holder);
      await this.#socket?.[Symbol.asyncDispose]();
      // An overlay keeps what is below it, so there is none any more.
      if (options.writable !== undefined) await removeWorkDirectory(absolutePath(options.writable));
      await this.#prefetcher?.[Symbol.asyncDispose]();
      await openers[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      this.#usesAtEnd = this.firstUses();
      flist[Symbol.dispose]();
      return ends.find((end) => end !== "unmounted") ?? "unmounted";
    })();
  }

  /** What it has done so far. */
  statistics(): MountStatistics {
    const requests: Record<string, number> = {};
    for (let opcode = 0; opcode < OPCODE_LIMIT; opcode++) {
      const count = this.#requests.reduce((sum, counts) => sum + counts[opcode]!, 0);
      if (count > 0) requests[OPCODES[opcode]?.name ?? String(opcode)] = count;
    }
    const counters = this.#counters;
    return {
      requests,
      chunksOpened: counters.get(MOUNT_COUNTER.chunksOpened),
      blockBytes: counters.get(MOUNT_COUNTER.blockBytes),
      bytesRead: counters.get(MOUNT_COUNTER.bytesRead),
      bytesPushed: counters.get(MOUNT_COUNTER.bytesPushed),
      readsWaited: counters.get(MOUNT_COUNTER.readsWaited),
      errors: counters.get(MOUNT_COUNTER.errors),
      chunkBytesKept: this.#chunks.usedBytes,
      ...(this.#prefetcher === undefined ? {} : { prefetch: this.#prefetcher.statistics }),
    };
  }

  /**
   * The blocks that programs have used so far, in the order of first use. Only those of stores that
   * are not in directories of this machine are watched, for the others need no fetching.
   */
  firstUses(): BlockId[] {
    if (this.#usesAtEnd !== undefined) return this.#usesAtEnd;
    const { flist } = this.#parts;
    return Array.from(this.#reader.firstUses, (chunk) => flist.chunk(chunk).id);
  }

  /**
   * Starts the threads beside the first, once whoever made the mount has had a turn: it answers
   * without them, and they take the cores for a while. Called once, by {@link mountImage}.
   */
  startOtherThreads(): void {
    this.#othersTimer = setTimeout(() => {
      for (let index = 1; index < this.#threads.length; index++) this.#startThread(index);
    });
  }

  /** Fetches ahead what the options ask for. Called once, by {@link mountImage}. */
  startPrefetch(): void {
    const { flist, store, local, options } = this.#parts;
    if (options.prefetch === undefined || local !== undefined) return;
    this.#prefetcher = new Prefetcher({
      flist,
      store,
      what: options.prefetch,
      bytesPerSecond: options.prefetchRate ?? PREFETCH_RATE_DEFAULT,
    });
  }

  /** How it is doing, with what its stores and its cache have done. */
  status(): MountStatus {
    const { flist, store, local, metrics } = this.#parts;
    const { cache } = store;
    const { hits = 0, misses = 0 } = cache?.statistics ?? {};
    const counters = this.#counters;
    return {
      meta: flist.path,
      pid: Deno.pid,
      servedSinceMs: this.#servedSinceMs,
      isKept: this.#holder !== undefined,
      bytesRead: counters.get(MOUNT_COUNTER.bytesRead),
      errors: counters.get(MOUNT_COUNTER.errors),
      lastFault: this.#lastFault,
      cachedShare: local === undefined ? this.#shares.share((id) => cache?.has(id) ?? false) : 1,
      hitRate: hits + misses === 0 ? undefined : hits / (hits + misses),
      cacheFolder: cache?.folder,
      stores: storeStatuses(metrics.snapshot()),
    };
  }

  /** Lets other processes ask how it is doing; {@link mountImage} does so. */
  async openSocket(): Promise<void> {
    this.#socket = await StatusSocketServer.open(this.#entry.device, () => this.status());
  }

  /** Has it kept where that was asked for; {@link mountImage} does so, with the socket open. */
  async settle(): Promise<void> {
    const { flist, stamp, descriptors, options, holder } = this.#parts;
    this.#holder = holder;
    if (holder !== undefined || options.keep === undefined) return;
    const reason = this.#socket === undefined
      ? "there is no folder to say in who serves it"
      : options.takeOver === true || await this.#resends()
      ? undefined
      : "this kernel does not ask again what a process left unanswered (Linux 6.9 does)";
    if (reason === undefined) {
      const served = { meta: flist.path, stamp };
      this.#holder = keepMount(this.#entry, descriptors, served, options.keep);
    } else {
      const message = `The mount ends with its process: ${reason}`;
      options.onEvent?.({ kind: "not-kept", fault: { message } });
    }
  }

  /** Whether the kernel can ask again what a process has left unanswered. */
  async #resends(): Promise<boolean> {
    return await this.#threads[0]!.resends;
  }

  /** Waits until a thread has answered. @throws when none can. */
  async answers(): Promise<void> {
    await Promise.race([Deno.lstat(this.target), this.#threads[0]!.failure]);
  }

  /**
   * Unmounts. It is gone from the tree at once, unless something is mounted over it. Programs that
   * still use it get errors after a second where this system allows that
   * (`/sys/fs/fuse/connections`), else when this process ends or they close what they have open;
   * {@link finished} tells when.
   */
  async unmount(): Promise<void> {
    await (this.#unmounting ??= this.#unmount());
  }

  async #unmount(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((settle) => {
      timer = setTimeout(() => settle("late"), GRACE_MS);
    });
    // What is there when the kernel has ended ours is another's, even if it has the same numbers. Only
    // a mount whose connection was cut may be left where it is, and then nobody answers there.
    const isConnectedStill = this.#isServed && isConnected(this.#parts.descriptors[0]!);
    const isCut = !isConnectedStill &&
      await Promise.race([this.finished, late]) === "aborted" &&
      await probeMount(this.target) === "stale";
    if (isConnectedStill || isCut) {
      if (await unmountOverlay(this.#entry) === "busy") {
        await unmountOverlay(this.#entry, { lazy: true });
      }
      await unmountEntry(this.#entry, { lazy: true });
    }
    const first = await Promise.race([this.finished, late]);
    clearTimeout(timer);
    if (first !== "late") return;
    if (await abortConnection(this.#entry.connection)) await this.finished;
  }

  /** Unmounts, where that has not happened. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }
}
