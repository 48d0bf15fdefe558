/**
 * Files: lists of blocks under a digest, each user's own. So that two users who upload the same file
 * at once never mix their blocks, nothing here refers to another user's rows, except to read.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Kysely } from "kysely";
import { type BlockId, type Bytes, parseBlockId } from "myfs";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { HubTables } from "../database/tables.ts";
import type { Blocks, Reader } from "./blocks.ts";
import { type ResolvedContentOptions, slices } from "./content_options.ts";
import { releaseOwner } from "./references.ts";
import { giveRoom, noRoom, takeRoom } from "./usage.ts";

/** A block of a file. */
export interface FileBlock {
  readonly id: BlockId;
  readonly idx: number;
  /** Bytes. */
  readonly size: number;
}

/** A file, with all that is needed to read it. */
export interface StoredFile {
  readonly hash: string;
  readonly size: number;
  readonly name: string | undefined;
  readonly blocks: readonly FileBlock[];
}

/** What an rfs client asks about a block. */
export interface BlockClaim {
  readonly block_hash: string;
  readonly file_hash: string;
  readonly block_index: number;
}

/** Users whose claims of a file are looked at before it counts as missing. */
const CLAIMANTS_MAX = 20;

const DIGEST = /^[0-9a-f]{64}$/;

/** See the module. */
export class Files {
  readonly #options: ResolvedContentOptions;
  readonly #database: Kysely<HubTables>;
  readonly #blocks: Blocks;

  constructor(options: ResolvedContentOptions, blocks: Blocks) {
    this.#options = options;
    this.#database = options.database;
    this.#blocks = blocks;
  }

  /**
   * A file that the reader may get.
   *
   * @param hash SHA-256 of the content or, of what an rfs client uploaded, of its blocks' hashes.
   * @throws {HubProblem} 404 when there is none that is whole.
   */
  async find(hash: string, reader: Reader): Promise<StoredFile> {
    let query = this.#database.selectFrom("file").select(["owner", "size", "name"])
      .where("hash", "=", hash);
    if (this.#options.dedup === "user") query = query.where("owner", "=", reader ?? "");
    const rows = await query.orderBy("owner").execute();
    const row = rows.find(({ owner }) => owner === reader) ?? rows[0];
    if (row !== undefined) {
      return {
        hash,
        size: Number(row.size),
        // What somebody else calls it is theirs.
        name: row.owner === reader ? row.name ?? undefined : undefined,
        blocks: await blocksOf(this.#database, row.owner, hash),
      };
    }
    const claimed = await this.#findClaimed(hash, reader);
    if (claimed !== undefined) return claimed;
    throw fileNotFound();
  }

  /** The bytes of a file from `start` up to `end`, exclusive; some blocks in memory at a time. */
  async *read(file: StoredFile, start: number, end: number): AsyncGenerator<Bytes, void, void> {
    let at = 0;
    let ahead: Promise<Bytes> | undefined;
    const wanted = file.blocks.filter(({ size }) => {
      const isWanted = at + size > start && at < end;
      at += size;
      return isWanted;
    });
    at = 0;
    for (const { idx, size } of file.blocks) {
      if (idx === wanted[0]?.idx) break;
      at += size;
    }
    for (const [index, { id, size }] of wanted.entries()) {
      const block = await (ahead ?? this.#blocks.read(id));
      const next = wanted[index + 1];
      ahead = next === undefined ? undefined : this.#blocks.read(next.id);
      // Whoever breaks off does not wait for it.
      ahead?.catch(() => {});
      yield block.subarray(Math.max(0, start - at), Math.min(size, end - at));
      at += size;
    }
  }

  /**
   * The blocks of a file, or the block itself, as rfs's clients ask.
   *
   * @throws {HubProblem} 404 when there is neither.
   */
  async blocksOf(hash: string, reader: Reader): Promise<readonly FileBlock[]> {
    try {
      return (await this.find(hash, reader)).blocks;
    } catch (error) {
      if (!(error instanceof HubProblem) || error.status !== 404) throw error;
    }
    const id = parseBlockId(hash);
    if (!(await this.#blocks.present(reader, [id])).has(id)) throw fileNotFound();
    return [{ id, idx: 0, size: await this.#blocks.sizeOf(id, reader) }];
  }

  /**
   * Those of the blocks that an rfs client has to upload: also where the block is there, but nobody
   * said of which file it is. Who is signed in is told of their own files alone.
   */
  async missingClaims(reader: Reader, claims: readonly BlockClaim[]): Promise<string[]> {
    const ids = claims.map(({ block_hash }) => block_hash).filter((id) => DIGEST.test(id));
    const present = await this.#blocks.present(reader, ids);
    const files = new Set(
      claims.map(({ file_hash }) => file_hash).filter((hash) => DIGEST.test(hash)),
    );
    const claimed = new Set<string>();
    for (const file of files) {
      let query = this.#database.selectFrom("file_block").select(["idx", "block"])
        .where("file", "=", file);
      if (reader !== undefined || this.#options.dedup === "user") {
        query = query.where("owner", "=", reader ?? "");
      }
      for (const { idx, block } of await query.execute()) claimed.add(`${file} ${idx} ${block}`);
    }
    const missing = claims.filter(({ block_hash, file_hash, block_index }) =>
      !present.has(block_hash) ||
      file_hash !== "" && !claimed.has(`${file_hash} ${block_index} ${block_hash}`)
    );
    return [...new Set(missing.map(({ block_hash }) => block_hash))];
  }

  /**
   * Makes a file that the hub has a user's as well, so that it stays whatever its first owner does. It
   * counts against the user's quota as if they had uploaded it. Where blocks are each user's own,
   * knowing a digest is no proof of having the file: only those of the user are there.
   *
   * @throws {HubProblem} 404 when there is none that the user may get, 507 when there is no room.
   */
  async keep(hash: string, owner: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const rows = await transaction.selectFrom("file").select(["owner", "size"])
        .where("hash", "=", hash).execute();
      if (rows.some((row) => row.owner === owner)) return;
      const [row] = this.#options.dedup === "users" ? rows : [];
      if (row === undefined) throw fileNotFound();
      const blocks = await blocksOf(transaction, row.owner, hash);
      const sizes = new Map<string, number>(blocks.map(({ id, size }) => [id, size]));
      let [bytes, objects] = [0, 1];
      for (const ids of slices([...sizes.keys()])) {
        const fresh = await transaction.insertInto("block_owner")
          .values(ids.map((block) => ({ owner, block, direct: 0 })))
          .onConflict((conflict) => conflict.columns(["owner", "block"]).doNothing())
          .returning("block").execute();
        objects += fresh.length;
        for (const { block } of fresh) bytes += sizes.get(block)!;
      }
      if (!await takeRoom(transaction, owner, { bytes, objects })) throw noRoom();
      // What the user claimed of it before may be more, and wrong.
      const claimed = await transaction.deleteFrom("file_block")
        .where("owner", "=", owner).where("file", "=", hash).returning("block").execute();
      for (const slice of slices(blocks)) {
        await transaction.insertInto("file_block")
          .values(slice.map(({ id, idx }) => ({ owner, file: hash, idx, block: id }))).execute();
      }
      const now = new Date(this.#options.now()).toISOString();
      await transaction.insertInto("file")
        .values({ owner, hash, size: row.size, name: null, created_at: now }).execute();
      await releaseOwner(transaction, owner, claimed.map(({ block }) => block), now);
    });
  }

  /** Gives up a user's file. @throws {HubProblem} 404 when the user has none. */
  async remove(hash: string, owner: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction.deleteFrom("file")
        .where("owner", "=", owner).where("hash", "=", hash).executeTakeFirst();
      const rows = await transaction.deleteFrom("file_block")
        .where("owner", "=", owner).where("file", "=", hash).returning("block").execute();
      if (numDeletedRows === 0n && rows.length === 0) throw fileNotFound();
      await giveRoom(transaction, owner, { bytes: 0, objects: Number(numDeletedRows) });
      const now = new Date(this.#options.now()).toISOString();
      await releaseOwner(transaction, owner, rows.map(({ block }) => block), now);
    });
  }

  /** What clients claim of a file counts once the hash of the blocks' hashes is the file's. */
  async #findClaimed(hash: string, reader: Reader): Promise<StoredFile | undefined> {
    let query = this.#database.selectFrom("file_block").select("owner").distinct()
      .where("file", "=", hash);
    if (this.#options.dedup === "user") query = query.where("owner", "=", reader ?? "");
    const owners = (await query.limit(CLAIMANTS_MAX).execute()).map(({ owner }) => owner);
    for (const owner of owners.toSorted((left) => left === reader ? -1 : 0)) {
      const blocks = await blocksOf(this.#database, owner, hash);
      const isInOrder = blocks.every(({ idx }, index) => idx === index);
      const digest = createHash("sha256").update(blocks.map(({ id }) => id).join("")).digest("hex");
      if (!isInOrder || digest !== hash) continue;
      const size = blocks.reduce((sum, block) => sum + block.size, 0);
      return { hash, size, name: undefined, blocks };
    }
    return undefined;
  }
}

async function blocksOf(
  database: Kysely<HubTables>,
  owner: string,
  hash: string,
): Promise<FileBlock[]> {
  const rows = await database.selectFrom("file_block")
    .innerJoin("block", "block.id", "file_block.block")
    .select(["block.id", "file_block.idx", "block.size"])
    .where("owner", "=", owner).where("file", "=", hash).orderBy("idx").execute();
  return rows.map(({ id, idx, size }) => ({ id: id as BlockId, idx, size: Number(size) }));
}

function fileNotFound(): HubProblem {
  return new HubProblem(404, "file_not_found", "There is no such file");
}
