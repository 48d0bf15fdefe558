/**
 * The side of a pack that reads, seals and stores: worker threads, and uploads where the store is not
 * on this machine's disks.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { parseBlockId } from "../block/block_ref.ts";
import type { Profile } from "../block/profile.ts";
import type { Store } from "../store/store.ts";
import type { FeedWork } from "./content_feed.ts";
import type { PackBase } from "./pack_base.ts";
import type { PackUnit, PlannedUnit } from "./pack_plan.ts";
import type { PackDone, PackWorkerSetup, PostedBlock, SentRef } from "./pack_worker.ts";
import type { PackedContent } from "./packed_content.ts";
import type { DoneUnit } from "./packed_part.ts";
import { ChunkClaims, FileDigests, Turns } from "./shared_digests.ts";
import { WorkerPool } from "./worker_pool.ts";

/** What the work needs to know. */
export interface PackWorkOptions {
  /** Directory that is packed; undefined where all content comes with the units. */
  readonly source: string | undefined;
  readonly profile: Profile;
  readonly store: Store;
  readonly base: PackBase | undefined;
  /** Where the answers go. */
  readonly content: PackedContent;
  /** Worker threads. */
  readonly jobs: number;
  readonly level: number | undefined;
  readonly domainSecret: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told of files and bytes that have been stored so far. */
  readonly onStored: (files: number, bytes: number) => void;
}

/** Has workers do the units of a plan. They start with the first unit. */
export class PackWork implements AsyncDisposable, FeedWork {
  readonly #options: PackWorkOptions;
  readonly #uploads: Uploads;
  readonly #onAbort = (): void => this.#stop(this.#options.signal!.reason);
  readonly #arrivals: Promise<PackDone>[] = [];
  #pool: WorkerPool<PackUnit, PackDone> | undefined;
  #blocksStored = 0;
  #blocksPresent = 0;
  #storedBytes = 0;
  #files = 0;
  #bytes = 0;

  constructor(options: PackWorkOptions) {
    this.#options = options;
    this.#uploads = new Uploads(options.store, (error) => this.#stop(error));
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  /** Blocks made that the store did not have. */
  get blocksStored(): number {
    return this.#blocksStored + this.#uploads.stored;
  }

  /** Blocks made that the store had already. */
  get blocksPresent(): number {
    return this.#blocksPresent + this.#uploads.present;
  }

  /** Bytes of the blocks stored. */
  get storedBytes(): number {
    return this.#storedBytes + this.#uploads.storedBytes;
  }

  /**
   * Takes on the next unit of the plan. What is in `transfer` moves to the worker.
   *
   * @returns a promise that is kept when the unit is done, and fails as {@link settled} does.
   */
  submit(planned: PlannedUnit, transfer: Transferable[] = []): Promise<PackDone> {
    const number = this.#arrivals.length;
    this.#pool ??= this.#startPool();
    const alone = planned.unit.kind === "segment" || planned.unit.kind === "digest";
    const arrival = this.#pool.run(planned.unit, { alone, transfer }).then((done) => {
      this.#options.content.arrive(number, planned, done);
      this.#count(planned, done);
      return done;
    });
    // Whoever waits for all of them hears of it; until then it must not count as unhandled.
    arrival.catch(() => {});
    this.#arrivals.push(arrival);
    return arrival;
  }

  /** Takes on the next unit of the plan, which was done before: see {@link FeedWork}. */
  take({ planned, done }: DoneUnit): void {
    this.#options.content.arrive(this.#arrivals.length, planned, done);
    this.#arrivals.push(Promise.resolve(done));
    this.#countFiles(planned, done);
  }

  /** Makes known chunks whose blocks the store has. */
  know(refs: readonly SentRef[]): void {
    this.#options.content.know(refs);
  }

  /** Waits until all units are done and all blocks stored. */
  async settled(): Promise<void> {
    await Promise.all(this.#arrivals);
    await this.#uploads.settled();
  }

  #count(planned: PlannedUnit, done: PackDone): void {
    this.#blocksPresent += done.present;
    this.#storedBytes += done.storedBytes;
    if (this.#options.store.local !== undefined) {
      this.#blocksStored += done.refs.length - done.present;
    }
    this.#countFiles(planned, done);
  }

  #countFiles(planned: PlannedUnit, done: PackDone): void {
    if (done.kind === "files") this.#files += planned.inos.length;
    if (done.kind !== "digest") { for (const size of done.sizes) this.#bytes += size; }
    this.#options.onStored(this.#files, this.#bytes);
  }

  #startPool(): WorkerPool<PackUnit, PackDone> {
    const { source, profile, store, base, jobs, level, domainSecret } = this.#options;
    const digests = new FileDigests();
    const claims = new ChunkClaims();
    base?.seed(digests, claims);
    const setup: PackWorkerSetup = {
      root: source,
      profile,
      level,
      domainSecret,
      placement: store.local,
      bytesUnderWay: this.#uploads.bytesUnderWay,
      fileDigests: digests.table,
      chunkClaims: claims.table,
      turns: Turns.create().memory,
    };
    return new WorkerPool(new URL("./pack_worker.ts", import.meta.url), {
      size: jobs,
      setup,
      onNote: (note) => this.#uploads.add(note as PostedBlock),
    });
  }

  #stop(reason: unknown): void {
    this.#pool?.stop(reason);
    this.#uploads.cancel(reason);
  }

  /** Ends the workers and what is under way to the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    await this.#pool?.[Symbol.asyncDispose]();
    await this.#uploads.close();
  }
}

/** Blocks that workers post because the store is not on this machine's disks. */
class Uploads {
  /** Bytes posted and not stored yet: workers wait when they become too many. */
  readonly bytesUnderWay = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #counter = new Int32Array(this.bytesUnderWay);
  readonly #store: Store;
  readonly #onFailure: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #failure: { error: unknown } | undefined;
  stored = 0;
  present = 0;
  storedBytes = 0;

  constructor(store: Store, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#onFailure = onFailure;
  }

  add({ ref, block }: PostedBlock): void {
    const upload = this.#put(ref, block).catch((error) => {
      this.#failure ??= { error };
      this.#onFailure(error);
    }).finally(() => {
      this.#running.delete(upload);
      Atomics.sub(this.#counter, 0, block.length);
      Atomics.notify(this.#counter, 0);
    });
    this.#running.add(upload);
  }

  async #put(ref: SentRef, block: Bytes): Promise<void> {
    const { signal } = this.#ending;
    if (await this.#store.put(parseBlockId(ref.id), block, { signal }) === "present") {
      this.present++;
    } else {
      this.stored++;
      this.storedBytes += ref.storedSize;
    }
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Has the store give up what is under way. */
  cancel(reason: unknown): void {
    this.#ending.abort(reason);
  }

  /** Waits until the store is left alone. */
  async close(): Promise<void> {
    this.cancel(new Error("The pack has ended"));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
