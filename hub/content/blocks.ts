/**
 * The blocks of a hub: kept in its store, with whose they are in its database. What is acknowledged
 * lies in both, durably; what is in the store alone was never promised, and is nobody's.
 *
 * @module
 */

import { type Kysely, type SelectQueryBuilder, sql } from "kysely";
import {
  blake2b256,
  blake3,
  BlockCorruptError,
  type BlockId,
  BlockNotFoundError,
  type Bytes,
  checkEitherDigest,
  parseBlockId,
} from "myfs";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { preparedIdQuery } from "../database/prepared_query.ts";
import type { HubTables } from "../database/tables.ts";
import { type ResolvedContentOptions, slices } from "./content_options.ts";
import { DownloadCounts } from "./download_counts.ts";
import { GroupCommit } from "./group_commit.ts";
import { HotBlocks } from "./hot_blocks.ts";
import { releaseOwner } from "./references.ts";
import { noRoom, roomLeft, takeRoom } from "./usage.ts";

/** Who asks; undefined is anybody. */
export type Reader = string | undefined;

/** A block that came in, checked against its id. */
export interface IncomingBlock {
  readonly id: BlockId;
  readonly block: Uint8Array;
}

/** Why a user has blocks. */
export type BlockReason =
  | { readonly kind: "direct" }
  | { readonly kind: "file"; readonly file: string; readonly idx: number }
  | { readonly kind: "upload"; readonly upload: string; readonly idx: number }
  /** `runner` is the process that works at the job. */
  | { readonly kind: "job"; readonly job: string; readonly runner: string };

interface Registration {
  readonly owner: string;
  readonly blocks: readonly { readonly id: BlockId; readonly size: number }[];
  /** Of the first block; those after it follow on. */
  readonly reason: BlockReason;
}

/** What became of a registration. */
interface Registered {
  /** Blocks that are new to the user. */
  readonly fresh: ReadonlySet<string>;
  /** Blocks that the hub had before. */
  readonly known: ReadonlySet<string>;
}

/** Blocks that are put into the store at the same time. */
const PUTS_MAX = 16;

/** Blocks that are remembered as damaged. */
const DAMAGED_MAX = 100_000;

/** How long to wait for a block that is just being removed, in milliseconds. */
const LEAVING_WAIT_MS = 5000;

/** The digest under which rfs keeps a block. */
export function rfsBlockId(block: Uint8Array): BlockId {
  return parseBlockId(hexOf(blake2b256(block)));
}

/** @throws {HubProblem} 422 where `block` has neither digest that `id` may be. */
export function checkIncoming(id: BlockId, block: Uint8Array): void {
  expectBytes(block);
  if (hexOf(blake3(block)) === id || hexOf(blake2b256(block)) === id) return;
  throw new HubProblem(422, "digest_mismatch", "The block does not have that digest");
}

/** @throws {HubProblem} 400 where a block has no bytes: there is no such block. */
export function expectBytes(block: Uint8Array): void {
  if (block.length === 0) throw new HubProblem(400, "bad_request", "A block has at least one byte");
}

/** The hexadecimal text of bytes. */
export function hexOf(bytes: Uint8Array): string {
  return (bytes as Bytes & { toHex(): string }).toHex();
}

/** See the module. */
export class Blocks implements AsyncDisposable {
  readonly #options: ResolvedContentOptions;
  readonly #database: Kysely<HubTables>;
  readonly #downloads: DownloadCounts;
  readonly #hot: HotBlocks;
  /** Those of some blocks that are there, and not garbage. */
  readonly #known: (ids: readonly string[]) => Promise<{ id: string; size: number }[]>;
  /** Those of some blocks that are a user's. */
  readonly #owned: (ids: readonly string[], owner: string) => Promise<{ block: string }[]>;
  /** Looks for a block, with all that are looked for at the same time in one statement. */
  readonly #looks: GroupCommit<BlockId, number | undefined>;
  readonly #registrations: GroupCommit<Registration, Registered | HubProblem>;
  readonly #flushes: GroupCommit<void, void>;
  /** Blocks whose copy was found damaged or lost: whoever has one is asked for it, and heals it. */
  readonly #damaged = new Set<string>();

  constructor(options: ResolvedContentOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#downloads = new DownloadCounts(options.database, options.flushIntervalMs);
    this.#hot = new HotBlocks(options.memoryMax);
    const { database } = options;
    this.#known = preparedIdQuery(
      database,
      (ids) =>
        database.selectFrom("block").select(["id", "size"])
          .where("id", "in", ids).where("garbage_since", "is", null),
    );
    this.#owned = preparedIdQuery(
      database,
      (ids) =>
        database.selectFrom("block_owner").select("block")
          .where("owner", "=", "").where("block", "in", ids),
    );
    this.#looks = new GroupCommit(async (ids) => {
      const rows = await this.#known(ids);
      const sizes = new Map(rows.map(({ id, size }) => [id, Number(size)]));
      return ids.map((id) => sizes.get(id));
    });
    this.#registrations = new GroupCommit((jobs) => this.#register(jobs));
    this.#flushes = new GroupCommit(async (jobs) => {
      await options.store.flush();
      return jobs;
    }, { jobsMax: Infinity });
  }

  /** Writes the counts of downloads that are still in memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registrations.idle();
    await this.#downloads[Symbol.asyncDispose]();
  }

  /**
   * Keeps blocks for a user. When it resolves they are durable.
   *
   * @param blocks Checked against their ids by the caller.
   * @returns For each, whether it is new: to the hub, or to the user where others' are not told.
   * @throws {HubProblem} 507 when the user's quota has no room; none of them is the user's then.
   */
  async put(
    owner: string,
    blocks: readonly IncomingBlock[],
    reason: BlockReason = { kind: "direct" },
  ): Promise<boolean[]> {
    if (blocks.length === 0) return [];
    const ids = [...new Set(blocks.map(({ id }) => id))];
    await this.#expectRoom(owner, blocks);
    await this.#claimGarbage(ids);
    // Where others' blocks are not told of, it takes as long to store one that they have.
    const replaced = this.#options.dedup === "user" ? await this.#notOwned(owner, ids) : undefined;
    for (const slice of slices(blocks, PUTS_MAX)) {
      await Promise.all(
        slice.map(({ id, block }) =>
          this.#options.store.put(id, block, {
            replace: this.#damaged.has(id) || (replaced?.has(id) ?? false),
          })
        ),
      );
    }
    await this.#flushes.add();
    for (const id of ids) this.#damaged.delete(id);
    const sizes = blocks.map(({ id, block }) => ({ id, size: block.length }));
    const registered = await this.#registrations.add({ owner, blocks: sizes, reason });
    if (registered instanceof HubProblem) throw registered;
    const seen = new Set<string>();
    return blocks.map(({ id }) => {
      const isFirst = !seen.has(id);
      seen.add(id);
      const { fresh, known } = registered;
      return isFirst && (this.#options.dedup === "user" ? fresh.has(id) : !known.has(id));
    });
  }

  /**
   * A block, checked; its download is counted.
   *
   * @returns Bytes that others may be sent as well: not to be changed, unless {@link isShared}
   *   says otherwise.
   * @throws {HubProblem} 404 when there is none that the reader may get.
   * @throws {BlockCorruptError} when the store's copy is damaged.
   */
  async get(id: BlockId, reader: Reader): Promise<Bytes> {
    const block = await this.#read(id, reader);
    if (block === undefined) throw blockNotFound();
    return block;
  }

  /** Whether a block that {@link get} gave may be in the hands of others; else it is the caller's. */
  isShared(block: Bytes): boolean {
    return HotBlocks.mayKeep(block);
  }

  /** As {@link get}; undefined where there is none that the reader may get. */
  async find(id: BlockId, reader: Reader): Promise<Bytes | undefined> {
    return await this.#read(id, reader);
  }

  /** A block that is known to belong to what the reader may read. Not counted. */
  async read(id: BlockId): Promise<Bytes> {
    const block = await this.#options.store.get(id);
    try {
      checkEitherDigest(id, block);
    } catch (error) {
      this.#noteDamaged(id);
      throw error;
    }
    return block;
  }

  /** Bytes of a block. @throws {HubProblem} 404 when there is none that the reader may get. */
  async sizeOf(id: BlockId, reader: Reader): Promise<number> {
    const size = await this.#looks.add(id);
    if (size === undefined || !await this.#mayRead(id, reader)) throw blockNotFound();
    return size;
  }

  /** @throws {HubProblem} 404 when there is none that the reader may get. */
  async downloads(id: BlockId, reader: Reader): Promise<{ count: number; size: number }> {
    const row = await this.#database.selectFrom("block").select(["size", "downloads"])
      .where("id", "=", id).where("garbage_since", "is", null).executeTakeFirst();
    if (row === undefined || !await this.#mayRead(id, reader)) throw blockNotFound();
    return { count: Number(row.downloads) + this.#downloads.pending(id), size: Number(row.size) };
  }

  /**
   * Those of `ids` that a user has to upload. Where blocks are shared among users, those that others
   * have become the user's as well: so they stay, whatever the others do.
   */
  async missing(owner: string, ids: readonly string[]): Promise<string[]> {
    const distinct = [...new Set(ids)];
    const own = new Set<string>();
    const others: { id: BlockId; size: number }[] = [];
    for (const { block } of await this.#owned(distinct, owner)) own.add(block);
    if (this.#options.dedup === "users" && own.size < distinct.length) {
      const rest = distinct.filter((id) => !own.has(id));
      for (const { id, size } of await this.#known(rest)) {
        others.push({ id: id as BlockId, size: Number(size) });
      }
      if (others.length > 0) {
        const reason: BlockReason = { kind: "direct" };
        const registered = await this.#registrations.add({ owner, blocks: others, reason });
        // Without room for them, the upload of the first will say so.
        if (!(registered instanceof HubProblem)) { for (const { id } of others) own.add(id); }
      }
    }
    return distinct.filter((id) => !own.has(id) || this.#damaged.has(id));
  }

  /** Those of `ids` that are there for the reader. */
  async present(reader: Reader, ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (const slice of slices([...new Set(ids)])) {
      const rows = await this.#visible(reader).select("id").where("id", "in", slice).execute();
      for (const { id } of rows) found.add(id);
    }
    return found;
  }

  /**
   * A page of the blocks that are the reader's, or of a flist that the reader may see, and how many
   * there are. Also where blocks are shared among users: whoever knows an id may have the block, so
   * nobody is told the ids of others' blocks.
   */
  async list(
    reader: Reader,
    { page, perPage }: { readonly page: number; readonly perPage: number },
  ): Promise<{ readonly ids: string[]; readonly total: number }> {
    const listed = visibleBlocks(this.#database, true, reader);
    const rows = await listed.select("id").orderBy("id")
      .limit(perPage).offset((page - 1) * perPage).execute();
    const { total } = await listed.select(({ fn }) => fn.countAll().as("total"))
      .executeTakeFirstOrThrow();
    return { ids: rows.map(({ id }) => id), total: Number(total) };
  }

  /** A page of a user's blocks with their sizes, how many there are, and how many of all users. */
  async listOwn(
    owner: string,
    { page, perPage }: { readonly page: number; readonly perPage: number },
  ): Promise<{ blocks: [string, number][]; total: number; all: number }> {
    const rows = await this.#database.selectFrom("block_owner")
      .innerJoin("block", "block.id", "block_owner.block")
      .select(["block.id", "block.size"]).where("owner", "=", owner).orderBy("block.id")
      .limit(perPage).offset((page - 1) * perPage).execute();
    const own = await this.#database.selectFrom("block_owner").where("owner", "=", owner)
      .select(({ fn }) => fn.countAll().as("total")).executeTakeFirstOrThrow();
    const { total } = await this.#visible(owner).select(({ fn }) => fn.countAll().as("total"))
      .executeTakeFirstOrThrow();
    return {
      blocks: rows.map(({ id, size }) => [id, Number(size)]),
      total: Number(own.total),
      all: Number(total),
    };
  }

  /**
   * Gives up a user's block.
   *
   * @throws {HubProblem} 404 when the user has none, 409 while a file of the user has it.
   */
  async release(id: BlockId, owner: string): Promise<void> {
    const now = this.#now();
    await this.#database.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction.updateTable("block_owner").set({ direct: 0 })
        .where("owner", "=", owner).where("block", "=", id).executeTakeFirst();
      if (numUpdatedRows === 0n) throw blockNotFound();
      // What an rfs client claimed of a file is not more than the block itself.
      await transaction.deleteFrom("file_block").where("owner", "=", owner).where("block", "=", id)
        .where(({ not, exists, selectFrom }) =>
          not(exists(
            selectFrom("file").select("hash").where("file.owner", "=", owner)
              .whereRef("file.hash", "=", "file_block.file"),
          ))
        ).execute();
      await releaseOwner(transaction, owner, [id], now);
      const row = await transaction.selectFrom("block_owner").select("block")
        .where("owner", "=", owner).where("block", "=", id).executeTakeFirst();
      if (row !== undefined) {
        throw new HubProblem(
          409,
          "conflict",
          "A file, an upload or a converted image of yours has that block",
        );
      }
    });
  }

  /** Writes the counts of downloads now. */
  async flushDownloads(): Promise<void> {
    await this.#downloads.flush();
  }

  #visible(reader: Reader): SelectQueryBuilder<HubTables, "block", Record<never, never>> {
    return visibleBlocks(this.#database, this.#options.dedup === "user", reader);
  }

  async #read(id: BlockId, reader: Reader): Promise<Bytes | undefined> {
    const size = await this.#looks.add(id);
    if (size === undefined || !await this.#mayRead(id, reader)) return undefined;
    const block = this.#hot.get(id) ?? await this.#readChecked(id);
    this.#downloads.count(id);
    return block;
  }

  async #readChecked(id: BlockId): Promise<Bytes> {
    let block: Bytes;
    try {
      block = await this.read(id);
    } catch (error) {
      // The database has it and the store does not: the hub's fault, which is not to be hidden.
      if (error instanceof BlockNotFoundError) {
        this.#noteDamaged(id);
        throw new HubProblem(500, "internal", "The hub lost that block", undefined, {
          cause: error,
        });
      }
      if (!(error instanceof BlockCorruptError)) throw error;
      throw new HubProblem(500, "internal", "The hub's copy of that block is damaged", undefined, {
        cause: error,
      });
    }
    this.#hot.keep(id, block);
    return block;
  }

  #noteDamaged(id: BlockId): void {
    if (this.#damaged.size < DAMAGED_MAX) this.#damaged.add(id);
  }

  async #mayRead(id: BlockId, reader: Reader): Promise<boolean> {
    if (this.#options.dedup === "users") return true;
    const row = await this.#visible(reader).select("id").where("id", "=", id).executeTakeFirst();
    return row !== undefined;
  }

  /**
   * Refuses what has no room before the store has it: whoever is at the end of a quota must not fill
   * the disk with what is not theirs to keep. What comes at the same time is settled when it is noted
   * whose it is.
   */
  async #expectRoom(owner: string, blocks: readonly IncomingBlock[]): Promise<void> {
    const left = await roomLeft(this.#database, owner);
    if (left === undefined) return;
    const sizes = new Map(blocks.map(({ id, block }) => [id, block.length]));
    const fresh = await this.#notOwned(owner, [...sizes.keys()]);
    const bytes = [...fresh].reduce((sum, id) => sum + sizes.get(id as BlockId)!, 0);
    if (fresh.size > 0 && (bytes > left.bytes || fresh.size > left.objects)) throw noRoom();
  }

  async #notOwned(owner: string, ids: readonly string[]): Promise<Set<string>> {
    const rest = new Set(ids);
    for (const { block } of await this.#owned(ids, owner)) rest.delete(block);
    return rest;
  }

  /**
   * Starts the time of grace of blocks that are garbage again, before the store is asked for them:
   * so that none is removed between the store's answer and the note of whose it is.
   */
  async #claimGarbage(ids: readonly string[]): Promise<void> {
    const end = performance.now() + LEAVING_WAIT_MS;
    for (;;) {
      const garbage: string[] = [];
      let isLeaving = false;
      for (const slice of slices(ids)) {
        const rows = await this.#database.selectFrom("block").select(["id", "leaving"])
          .where("id", "in", slice).where("garbage_since", "is not", null).execute();
        for (const { id } of rows) garbage.push(id);
        isLeaving ||= rows.some(({ leaving }) => leaving !== 0);
      }
      if (garbage.length === 0) return;
      if (!isLeaving) {
        const claimed = await this.#claim(garbage);
        if (claimed) return;
      }
      if (performance.now() > end) {
        throw new HubProblem(503, "unavailable", "The block is just being removed", undefined, {
          retryAfterSeconds: 5,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** @returns false where one of them began to leave. */
  async #claim(garbage: readonly string[]): Promise<boolean> {
    return await this.#database.transaction().execute(async (transaction) => {
      for (const slice of slices(garbage)) {
        await transaction.updateTable("block").set({ garbage_since: this.#now() })
          .where("id", "in", slice).where("leaving", "=", 0)
          .where("garbage_since", "is not", null).execute();
        const row = await transaction.selectFrom("block").select("id")
          .where("id", "in", slice).where("leaving", "=", 1).executeTakeFirst();
        if (row !== undefined) return false;
      }
      return true;
    });
  }

  async #register(jobs: readonly Registration[]): Promise<(Registered | HubProblem)[]> {
    return await this.#database.transaction().execute(async (transaction) => {
      const results: (Registered | HubProblem)[] = [];
      for (const job of jobs) results.push(await this.#registerOne(transaction, job));
      return results;
    });
  }

  async #registerOne(
    transaction: Kysely<HubTables>,
    { owner, blocks, reason }: Registration,
  ): Promise<Registered | HubProblem> {
    // Answered, not thrown: others share the transaction.
    const fault = await reasonFault(transaction, owner, reason);
    if (fault !== undefined) return fault;
    const now = this.#now();
    const sizes = new Map<string, number>(blocks.map(({ id, size }) => [id, size]));
    const known = new Set<string>();
    const fresh = new Set<string>();
    const direct = reason.kind === "direct" ? 1 : 0;
    for (const ids of slices([...sizes.keys()])) {
      const there = await transaction.selectFrom("block").select("id")
        .where("id", "in", ids).where("garbage_since", "is", null).execute();
      for (const { id } of there) known.add(id);
      // What turns out to be too much for the quota stays behind as garbage.
      await transaction.insertInto("block").values(ids.map((id) => ({
        id,
        size: sizes.get(id)!,
        downloads: 0,
        created_at: now,
        garbage_since: now,
        leaving: 0,
      }))).onConflict((conflict) => conflict.column("id").doNothing()).execute();
      const rows = await transaction.insertInto("block_owner")
        .values(ids.map((block) => ({ owner, block, direct })))
        .onConflict((conflict) => conflict.columns(["owner", "block"]).doNothing())
        .returning("block").execute();
      for (const { block } of rows) fresh.add(block);
    }
    const bytes = [...fresh].reduce((sum, id) => sum + sizes.get(id)!, 0);
    if (!await takeRoom(transaction, owner, { bytes, objects: fresh.size })) {
      for (const ids of slices([...fresh])) {
        await transaction.deleteFrom("block_owner").where("owner", "=", owner)
          .where("block", "in", ids).execute();
      }
      return noRoom();
    }
    for (const ids of slices([...sizes.keys()])) {
      await transaction.updateTable("block").set({ garbage_since: null })
        .where("id", "in", ids).where("garbage_since", "is not", null).execute();
      if (direct === 1 && fresh.size < sizes.size) {
        await transaction.updateTable("block_owner").set({ direct: 1 })
          .where("owner", "=", owner).where("block", "in", ids).where("direct", "=", 0).execute();
      }
    }
    await this.#addReason(transaction, owner, blocks, reason);
    return { fresh, known };
  }

  async #addReason(
    transaction: Kysely<HubTables>,
    owner: string,
    blocks: Registration["blocks"],
    reason: BlockReason,
  ): Promise<void> {
    if (reason.kind === "direct") return;
    if (reason.kind === "job") {
      const { job } = reason;
      for (const slice of slices(blocks)) {
        await transaction.insertInto("job_block")
          .values(slice.map(({ id }) => ({ job, block: id })))
          .onConflict((conflict) => conflict.columns(["job", "block"]).doNothing()).execute();
      }
      return;
    }
    const rows = blocks.map(({ id }, at) => ({ idx: reason.idx + at, block: id }));
    for (const slice of slices(rows)) {
      if (reason.kind === "file") {
        const { file } = reason;
        const before = await transaction.selectFrom("file_block").select("block")
          .where("owner", "=", owner).where("file", "=", file)
          .where("idx", "in", slice.map(({ idx }) => idx)).execute();
        await transaction.insertInto("file_block")
          .values(slice.map((row) => ({ owner, file, ...row })))
          .onConflict((conflict) =>
            conflict.columns(["owner", "file", "idx"]).doUpdateSet({
              block: sql.ref("excluded.block"),
            })
          ).execute();
        await releaseOwner(transaction, owner, before.map(({ block }) => block), this.#now());
      } else {
        const { upload } = reason;
        const before = await transaction.selectFrom("upload_block").select("block")
          .where("upload", "=", upload).where("idx", "in", slice.map(({ idx }) => idx)).execute();
        await transaction.insertInto("upload_block")
          .values(slice.map((row) => ({ upload, ...row })))
          .onConflict((conflict) =>
            conflict.columns(["upload", "idx"]).doUpdateSet({ block: sql.ref("excluded.block") })
          ).execute();
        await releaseOwner(transaction, owner, before.map(({ block }) => block), this.#now());
      }
    }
  }

  #now(): string {
    return new Date(this.#options.now()).toISOString();
  }
}

/** Why blocks cannot be a user's for that reason. */
async function reasonFault(
  transaction: Kysely<HubTables>,
  owner: string,
  reason: BlockReason,
): Promise<HubProblem | undefined> {
  if (reason.kind === "upload") {
    const upload = await transaction.selectFrom("upload").select("id")
      .where("id", "=", reason.upload).where("owner", "=", owner).executeTakeFirst();
    if (upload !== undefined) return undefined;
    return new HubProblem(404, "upload_not_found", "There is no such upload");
  }
  if (reason.kind === "job") {
    const job = await transaction.selectFrom("job").select("id")
      .where("id", "=", reason.job).where("owner", "=", owner)
      .where("state", "=", "running").where("runner", "=", reason.runner).executeTakeFirst();
    if (job !== undefined) return undefined;
    return new HubProblem(409, "job_ended", "The job was ended");
  }
  if (reason.kind === "direct") return undefined;
  const file = await transaction.selectFrom("file").select("hash")
    .where("hash", "=", reason.file).where("owner", "=", owner).executeTakeFirst();
  if (file === undefined) return undefined;
  return new HubProblem(409, "conflict", "That file is complete, and does not change");
}

function blockNotFound(): HubProblem {
  return new HubProblem(404, "block_not_found", "There is no such block");
}

/** The blocks that a reader may know of. */
function visibleBlocks(
  database: Kysely<HubTables>,
  isStrict: boolean,
  reader: Reader,
): SelectQueryBuilder<HubTables, "block", Record<never, never>> {
  const query = database.selectFrom("block").where("garbage_since", "is", null);
  if (!isStrict) return query;
  return query.where(({ or, exists, selectFrom }) =>
    or([
      exists(
        selectFrom("block_owner").select("block").whereRef("block_owner.block", "=", "block.id")
          .where("owner", "=", reader ?? ""),
      ),
      exists(
        selectFrom("flist_block")
          .innerJoin("flist_tag", (join) =>
            join.onRef("flist_tag.digest", "=", "flist_block.flist")
              // Who publishes a copy of another's flist shows nothing of what the other has.
              .onRef("flist_tag.owner", "=", "flist_block.owner")).select("block")
          .whereRef("flist_block.block", "=", "block.id")
          .where(({ or, eb }) =>
            or([eb("visibility", "=", "public"), eb("flist_tag.owner", "=", reader ?? "")])
          ),
      ),
    ])
  );
}
