/**
 * Uploads in parts. Each part becomes blocks in the store as it comes, so an upload outlives the
 * process, and any process may go on with it; a commit that fits its SHA-256 makes a file of them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import type { BlockId, Bytes } from "myfs";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { HubTables } from "../database/tables.ts";
import type { UploadTable } from "../database/content_tables.ts";
import { type Blocks, type IncomingBlock, rfsBlockId } from "./blocks.ts";
import { cutBody, tooLarge } from "./body.ts";
import { type ResolvedContentOptions, slices } from "./content_options.ts";
import { releaseOwner } from "./references.ts";
import { expectRoom, noRoom, takeRoom } from "./usage.ts";

/** What is to be uploaded. */
export interface NewUpload {
  readonly kind: "file" | "flist";
  readonly size: number;
  readonly sha256?: string | undefined;
  readonly name?: string | undefined;
  readonly visibility?: "public" | "private" | undefined;
}

/** An upload under way. */
export interface UploadState extends NewUpload {
  readonly id: string;
  readonly owner: string;
  readonly partSize: number;
  readonly blockSize: number;
  /** Numbers of the parts that are there. */
  readonly parts: readonly number[];
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** Bytes of a part, about. */
const PART_SIZE = 8 * 2 ** 20;

/** Parts of an upload: more make larger ones. */
const PARTS_MAX = 10_000;

/** Uploads that a user may have under way. */
const UPLOADS_MAX = 1000;

/** Bytes of blocks that are stored together. */
const GROUP_BYTES = 8 * 2 ** 20;

/** See the module. */
export class Uploads {
  readonly #options: ResolvedContentOptions;
  readonly #database: Kysely<HubTables>;
  readonly #blocks: Blocks;

  constructor(options: ResolvedContentOptions, blocks: Blocks) {
    this.#options = options;
    this.#database = options.database;
    this.#blocks = blocks;
  }

  /**
   * Starts an upload, or finds the user's that is under way for the same content.
   *
   * @throws {HubProblem} 507 when the user's quota has no room for it.
   */
  async create(owner: string, wanted: NewUpload): Promise<{ state: UploadState; isNew: boolean }> {
    if (wanted.kind === "flist" && wanted.size > this.#options.flistSizeMax) {
      throw tooLarge(this.#options.flistSizeMax);
    }
    if (wanted.sha256 !== undefined) {
      const row = await this.#database.selectFrom("upload").selectAll()
        .where("owner", "=", owner).where("sha256", "=", wanted.sha256)
        .where("size", "=", wanted.size).where("kind", "=", wanted.kind)
        .where("expires_at", ">", this.#time(0)).orderBy("created_at").executeTakeFirst();
      const isSame = row !== undefined && row.name === (wanted.name ?? null) &&
        row.visibility === (wanted.visibility ?? null);
      if (isSame) return { state: await this.#stateOf(row), isNew: false };
    }
    await expectRoom(this.#database, owner, wanted.size);
    const { total } = await this.#database.selectFrom("upload").where("owner", "=", owner)
      .select(({ fn }) => fn.countAll().as("total")).executeTakeFirstOrThrow();
    if (Number(total) >= UPLOADS_MAX) {
      throw new HubProblem(
        409,
        "conflict",
        "Too many uploads are under way",
        `At most ${UPLOADS_MAX}: commit or delete some`,
      );
    }
    const { blockSize } = this.#options;
    const blocksAPart = Math.max(
      1,
      Math.floor(PART_SIZE / blockSize),
      Math.ceil(wanted.size / blockSize / PARTS_MAX),
    );
    const row: Selectable<UploadTable> = {
      id: crypto.randomUUID(),
      owner,
      kind: wanted.kind,
      size: wanted.size,
      part_size: blocksAPart * blockSize,
      block_size: blockSize,
      sha256: wanted.sha256 ?? null,
      name: wanted.name ?? null,
      visibility: wanted.visibility ?? null,
      created_at: this.#time(0),
      expires_at: this.#time(this.#options.uploadLifetimeMs),
    };
    await this.#database.insertInto("upload").values(row).execute();
    return { state: await this.#stateOf(row), isNew: true };
  }

  /** @throws {HubProblem} 404 when the user has no such upload. */
  async get(id: string, owner: string): Promise<UploadState> {
    const row = await this.#database.selectFrom("upload").selectAll()
      .where("id", "=", id).where("owner", "=", owner).where("expires_at", ">", this.#time(0))
      .executeTakeFirst();
    if (row === undefined) throw uploadNotFound();
    return await this.#stateOf(row);
  }

  /**
   * Stores a part, which is there when this resolves.
   *
   * @throws {HubProblem} 404, 400 for a part that is too short, 413 for one that is too long, 507.
   */
  async putPart(
    id: string,
    owner: string,
    n: number,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { size, partSize, blockSize } = await this.get(id, owner);
    const start = n * partSize;
    if (start >= size) {
      throw new HubProblem(422, "unprocessable", "The upload has no such part");
    }
    const length = Math.min(partSize, size - start);
    const stored = await this.#store(
      id,
      owner,
      start / blockSize,
      exactly(body, length),
      blockSize,
    );
    if (stored < length) {
      throw new HubProblem(
        400,
        "bad_request",
        "The part is too short",
        `It has ${stored} bytes of ${length}`,
      );
    }
    await this.#database.updateTable("upload")
      .set({ expires_at: this.#time(this.#options.uploadLifetimeMs) })
      .where("id", "=", id).execute();
  }

  /**
   * Keeps a body of any length as a file of the user. Nothing of it is kept when it breaks off.
   *
   * @param declared Bytes that the body is said to have.
   * @returns SHA-256 of the content.
   */
  async putWhole(
    owner: string,
    body: AsyncIterable<Uint8Array>,
    { declared, name }: { readonly declared?: number | undefined; readonly name?: string },
  ): Promise<string> {
    const { state } = await this.create(owner, { kind: "file", size: declared ?? 0, name });
    try {
      const hash = createHash("sha256");
      const size = await this.#store(state.id, owner, 0, hashed(body, hash), state.blockSize);
      if (declared !== undefined && size !== declared) {
        throw new HubProblem(400, "bad_request", "The body is not as long as it says");
      }
      const sha256 = hash.digest("hex");
      await this.finishFile(state, sha256, size);
      return sha256;
    } catch (error) {
      // What cannot be removed now is when it expires.
      await this.remove(state.id, owner).catch(() => {});
      throw error;
    }
  }

  /**
   * The content of an upload whose parts are all there, checked against its SHA-256.
   *
   * @param take Gets all of it in order, before it is known to be right.
   * @returns The blocks that were checked, in order: what {@link finishFile} makes a file of.
   * @throws {HubProblem} 409 when parts are missing, 422 when the content has another SHA-256: its
   *   parts are dropped then.
   */
  async check(
    state: UploadState,
    sha256: string,
    take: (bytes: Bytes) => Promise<void> | void = () => {},
  ): Promise<readonly string[]> {
    const mismatch = (detail: string): HubProblem =>
      new HubProblem(422, "digest_mismatch", "The content has another SHA-256", detail);
    if (state.sha256 !== undefined && state.sha256 !== sha256) {
      throw mismatch("Another one was announced");
    }
    const rows = await this.#blocksOf(state.id);
    const count = Math.ceil(state.size / state.blockSize);
    if (rows.length !== count) {
      throw new HubProblem(409, "upload_incomplete", "Parts are missing");
    }
    const hash = createHash("sha256");
    let size = 0;
    for (const { block } of rows) {
      const bytes = await this.#blocks.read(block as BlockId);
      hash.update(bytes);
      size += bytes.length;
      await take(bytes);
    }
    if (size !== state.size) throw new HubProblem(409, "upload_incomplete", "Parts are missing");
    if (hash.digest("hex") === sha256) return rows.map(({ block }) => block);
    // Which part is wrong cannot be told; who goes on with the upload must not find them all there.
    await this.#dropParts(state);
    throw mismatch("Its parts were dropped");
  }

  /**
   * Makes a file of an upload whose content is known to have the SHA-256.
   *
   * @param checked The blocks that are known to be that content, where parts may come meanwhile.
   * @throws {HubProblem} 409 when a part came meanwhile and has other blocks; nothing changes then.
   */
  async finishFile(
    state: UploadState,
    sha256: string,
    size: number,
    checked?: readonly string[],
  ): Promise<void> {
    const { id, owner } = state;
    await this.#database.transaction().execute(async (transaction) => {
      const blocks = await this.#takeBlocks(transaction, id, owner);
      if (checked !== undefined && blocks.join() !== checked.join()) {
        throw new HubProblem(409, "conflict", "A part changed while the upload was checked");
      }
      let given: readonly string[] = [];
      const { numInsertedOrUpdatedRows } = await transaction.insertInto("file").values({
        owner,
        hash: sha256,
        size,
        name: state.name ?? null,
        created_at: this.#time(0),
      }).onConflict((conflict) => conflict.columns(["owner", "hash"]).doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 1n) {
        if (!await takeRoom(transaction, owner, { bytes: 0, objects: 1 })) throw noRoom();
        // What was claimed of the file before is not it.
        const claimed = await transaction.deleteFrom("file_block")
          .where("owner", "=", owner).where("file", "=", sha256).returning("block").execute();
        given = claimed.map(({ block }) => block);
        for (const slice of slices(blocks.map((block, idx) => ({ block, idx })))) {
          await transaction.insertInto("file_block")
            .values(slice.map((row) => ({ owner, file: sha256, ...row }))).execute();
        }
      }
      await releaseOwner(transaction, owner, [...blocks, ...given], this.#time(0));
    });
  }

  /** Gives up an upload. @throws {HubProblem} 404 when the user has no such upload. */
  async remove(id: string, owner: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const blocks = await this.#takeBlocks(transaction, id, owner);
      await releaseOwner(transaction, owner, blocks, this.#time(0));
    });
  }

  /** Gives up all uploads that rested too long. @returns how many. */
  async removeExpired(): Promise<number> {
    const now = this.#time(0);
    const rows = await this.#database.selectFrom("upload").select(["id", "owner"])
      .where("expires_at", "<=", now).execute();
    let count = 0;
    for (const { id, owner } of rows) {
      await this.#database.transaction().execute(async (transaction) => {
        // Another process may have been faster, or a part may have come.
        const row = await transaction.selectFrom("upload").select("id")
          .where("id", "=", id).where("expires_at", "<=", now).executeTakeFirst();
        if (row === undefined) return;
        const blocks = await this.#takeBlocks(transaction, id, owner);
        await releaseOwner(transaction, owner, blocks, now);
        count++;
      });
    }
    return count;
  }

  /** Stores what comes as blocks of the upload. @returns how many bytes came. */
  async #store(
    upload: string,
    owner: string,
    firstIdx: number,
    body: AsyncIterable<Uint8Array>,
    blockSize: number,
  ): Promise<number> {
    let idx = firstIdx;
    let size = 0;
    let group: IncomingBlock[] = [];
    const store = async (): Promise<void> => {
      await this.#blocks.put(owner, group, { kind: "upload", upload, idx });
      idx += group.length;
      group = [];
    };
    for await (const block of cutBody(body, blockSize)) {
      size += block.length;
      group.push({ id: rfsBlockId(block), block });
      if (group.length * blockSize >= GROUP_BYTES) await store();
    }
    await store();
    return size;
  }

  async #dropParts({ id, owner }: UploadState): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const rows = await transaction.deleteFrom("upload_block").where("upload", "=", id)
        .returning("block").execute();
      await releaseOwner(transaction, owner, rows.map(({ block }) => block), this.#time(0));
    });
  }

  /** Ends an upload. @returns the blocks that it had, in order. */
  async #takeBlocks(
    transaction: Kysely<HubTables>,
    id: string,
    owner: string,
  ): Promise<string[]> {
    const { numDeletedRows } = await transaction.deleteFrom("upload")
      .where("id", "=", id).where("owner", "=", owner).executeTakeFirst();
    if (numDeletedRows === 0n) throw uploadNotFound();
    const rows = await transaction.selectFrom("upload_block").select("block")
      .where("upload", "=", id).orderBy("idx").execute();
    await transaction.deleteFrom("upload_block").where("upload", "=", id).execute();
    return rows.map(({ block }) => block);
  }

  async #blocksOf(
    id: string,
  ): Promise<{ readonly idx: number; readonly block: string; readonly size: number }[]> {
    return await this.#database.selectFrom("upload_block")
      .innerJoin("block", "block.id", "upload_block.block")
      .select(["idx", "block", "size"]).where("upload", "=", id).orderBy("idx").execute();
  }

  async #stateOf(row: Selectable<UploadTable>): Promise<UploadState> {
    const [size, partSize, blockSize] = [Number(row.size), row.part_size, row.block_size];
    const blocksAPart = partSize / blockSize;
    const blockCount = Math.ceil(size / blockSize);
    const counts = new Map<number, number>();
    for (const { idx, size: blockBytes } of await this.#blocksOf(row.id)) {
      // The last one of a part that broke off may be short.
      if (Number(blockBytes) !== Math.min(blockSize, size - idx * blockSize)) continue;
      const part = Math.floor(idx / blocksAPart);
      counts.set(part, (counts.get(part) ?? 0) + 1);
    }
    const parts = [...counts]
      .filter(([part, count]) => count === Math.min(blocksAPart, blockCount - part * blocksAPart))
      .map(([part]) => part);
    return {
      id: row.id,
      owner: row.owner,
      kind: row.kind as "file" | "flist",
      size,
      sha256: row.sha256 ?? undefined,
      name: row.name ?? undefined,
      visibility: (row.visibility ?? undefined) as "public" | "private" | undefined,
      partSize,
      blockSize,
      parts: parts.toSorted((left, right) => left - right),
      expiresAt: row.expires_at,
    };
  }

  #time(fromNowMs: number): string {
    return new Date(this.#options.now() + fromNowMs).toISOString();
  }
}

function uploadNotFound(): HubProblem {
  return new HubProblem(404, "upload_not_found", "There is no such upload");
}

async function* hashed(
  body: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const bytes of body) {
    hash.update(bytes);
    yield bytes;
  }
}

/** @throws {HubProblem} 413 when more comes than `length` bytes. */
async function* exactly(
  body: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array, void, void> {
  let size = 0;
  for await (const bytes of body) {
    size += bytes.length;
    if (size > length) throw tooLarge(length);
    yield bytes;
  }
}
