/**
 * Flists by name and tag. A flist is a file under its SHA-256 and never changes; names and tags are
 * rows, and so is which of the hub's blocks it refers to: they stay while it does.
 *
 * @module
 */

import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from "kysely";
import { blockIdFromBytes, FlistReader } from "myfs";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { FlistTagTable } from "../database/content_tables.ts";
import type { HubTables } from "../database/tables.ts";
import type { Reader } from "./blocks.ts";
import { type ResolvedContentOptions, slices } from "./content_options.ts";
import { type FlistCheckBounds, runFlistTask } from "./flist_check.ts";
import { IncomingFlist } from "./incoming_flist.ts";
import { giveRoom, noRoom, roomLeft, takeRoom } from "./usage.ts";

/** Names a flist. */
export interface FlistReference {
  readonly user: string;
  readonly name: string;
  readonly tag: string;
}

/** Who may see a flist. */
export type Visibility = "public" | "private";

/** A flist as clients see it. */
export interface FlistInfo extends FlistReference {
  readonly digest: string;
  readonly size: number;
  readonly visibility: Visibility;
  readonly created_at: string;
  readonly updated_at: string;
  readonly title?: string;
  readonly description?: string;
}

/** How to publish. */
export interface PublishOptions {
  readonly reference: FlistReference;
  readonly actor: string;
  /** @default as it was; "private" for a new one */
  readonly visibility?: Visibility | undefined;
}

/** The tags of a name, and what they stood for, the newest first. */
export interface FlistHistory {
  readonly user: string;
  readonly name: string;
  readonly tags: readonly FlistInfo[];
  readonly history: readonly {
    readonly tag: string;
    readonly at: string;
    readonly digest?: string;
    readonly size?: number;
    readonly actor?: string;
  }[];
}

/** Which flists are asked for. */
export interface FlistSelection {
  readonly query?: string | undefined;
  readonly user?: string | undefined;
  readonly page: number;
  readonly perPage: number;
}

/** Events that an answer shows. */
const HISTORY_MAX = 1000;

/** See the module. */
export class Flists {
  readonly #options: ResolvedContentOptions;
  readonly #database: Kysely<HubTables>;

  readonly #incoming: string;
  #preparing: Promise<void> | undefined;

  constructor(options: ResolvedContentOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#incoming = `${options.flistDirectory}/incoming`;
  }

  /** Where a flist lies. */
  pathOf(digest: string): string {
    return `${this.#options.flistDirectory}/${digest.slice(0, 2)}/${digest}.fl`;
  }

  get #checkBounds(): FlistCheckBounds {
    const { flistTimeMaxMs: timeMaxMs, flistMemoryMaxMib: memoryMaxMib } = this.#options;
    return { timeMaxMs, memoryMaxMib };
  }

  /** Opens a flist, which the caller disposes of. @throws {HubProblem} 503 where it is away. */
  open(digest: string): FlistReader {
    try {
      return FlistReader.open(this.pathOf(digest));
    } catch (error) {
      // It was looked at when it came, so nothing is wrong with it as such.
      throw flistsAway(error);
    }
  }

  /**
   * Makes the folder of flists. Only once: where it is gone later, a file system is not mounted, and
   * what was kept in its place would be gone when it is again.
   */
  async prepare(): Promise<void> {
    this.#preparing ??= Deno.mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    await this.#preparing;
  }

  /**
   * Starts to take one in; the caller disposes of it.
   *
   * @throws {HubProblem} 503 where the folder of flists is away.
   */
  async receive(): Promise<IncomingFlist> {
    await this.prepare();
    try {
      return await IncomingFlist.create(this.#incoming, this.#options.flistSizeMax);
    } catch (error) {
      throw error instanceof Deno.errors.NotFound ? flistsAway(error) : error;
    }
  }

  /**
   * Refuses a flist for which there is no room, before it is kept. What it replaces makes room.
   *
   * @throws {HubProblem} 507
   */
  async expectRoom({ user, name, tag }: FlistReference, size: number): Promise<void> {
    const left = await roomLeft(this.#database, user);
    if (left === undefined) return;
    const before = await this.#database.selectFrom("flist_tag").select("size")
      .where("owner", "=", user).where("name", "=", name).where("tag", "=", tag)
      .executeTakeFirst();
    const [bytes, objects] = before === undefined ? [0, 0] : [Number(before.size), 1];
    if (left.bytes + bytes < size || left.objects + objects < 1) throw noRoom();
  }

  /**
   * Publishes what came in, once it is known to be a flist that harms nobody. Secrets are taken out
   * of its routes, which changes its digest.
   *
   * @throws {HubProblem} 422 when it is no flist, 507 when the user's quota has no room.
   */
  async publish(
    incoming: IncomingFlist,
    { reference, actor, visibility }: PublishOptions,
  ): Promise<{ readonly info: FlistInfo; readonly isNew: boolean }> {
    incoming.close();
    const task = { kind: "check", path: incoming.path } as const;
    const checked = await runFlistTask<"checked">(task, this.#checkBounds);
    const { sha256: digest, size } = await incoming.digest();
    await this.expectRoom(reference, size);
    const now = this.#now();
    const { summary } = checked;
    await this.#database.insertInto("flist")
      .values({ digest, size, summary, created_at: now })
      // Its time of grace begins anew: whoever collects garbage leaves it alone.
      .onConflict((conflict) => conflict.column("digest").doUpdateSet({ created_at: now }))
      .execute();
    // Only now: before, who collects garbage might remove the file of an older row of that digest.
    const path = this.pathOf(digest);
    await makePrivateFolder(path.slice(0, path.lastIndexOf("/")));
    await incoming.moveTo(path);
    await this.#keepBlocks(digest, checked.blocks, reference.user);
    return await this.#database.transaction().execute(async (transaction) => {
      const { user: owner, name, tag } = reference;
      const before = await transaction.selectFrom("flist_tag").selectAll()
        .where("owner", "=", owner).where("name", "=", name).where("tag", "=", tag)
        .executeTakeFirst();
      const row: Selectable<FlistTagTable> = {
        owner,
        name,
        tag,
        digest,
        size,
        visibility: visibility ?? before?.visibility ?? "private",
        title: checked.title ?? null,
        description: checked.description ?? null,
        created_at: before?.created_at ?? now,
        updated_at: now,
      };
      if (before !== undefined) {
        await giveRoom(transaction, owner, { bytes: Number(before.size), objects: 1 });
      }
      if (!await takeRoom(transaction, owner, { bytes: size, objects: 1 })) throw noRoom();
      await transaction.insertInto("flist_tag").values(row)
        .onConflict((conflict) => conflict.columns(["owner", "name", "tag"]).doUpdateSet(row))
        .execute();
      await this.#addEvent(transaction, row, actor, digest);
      return { info: toInfo(row), isNew: before === undefined };
    });
  }

  /** @throws {HubProblem} 404 when there is none that the reader may see. */
  async get({ user, name, tag }: FlistReference, reader: Reader): Promise<FlistInfo> {
    const row = await this.#visible(reader).selectAll()
      .where("owner", "=", user).where("name", "=", name).where("tag", "=", tag)
      .executeTakeFirst();
    if (row === undefined) throw flistNotFound();
    return toInfo(row);
  }

  /**
   * A flist by its digest: what a tag stands for, or stood for until lately.
   *
   * @throws {HubProblem} 404 when there is none that the reader may see.
   */
  async getByDigest(
    digest: string,
    reader: Reader,
  ): Promise<{ readonly digest: string; readonly size: number; readonly isPublic: boolean }> {
    const tags = await this.#visible(reader).select(["size", "visibility"])
      .where("digest", "=", digest).execute();
    const events = tags.length > 0 ? [] : await this.#database.selectFrom("flist_event")
      .innerJoin("flist", "flist.digest", "flist_event.digest")
      .select(["flist.size", "visibility"]).where("flist_event.digest", "=", digest)
      .where(({ or, eb }) => or([eb("visibility", "=", "public"), eb("owner", "=", reader ?? "")]))
      .execute();
    const rows = [...tags, ...events];
    const [row] = rows;
    if (row === undefined) throw flistNotFound();
    const isPublic = rows.some(({ visibility }) => visibility === "public");
    return { digest, size: Number(row.size), isPublic };
  }

  /** The bytes of a flist from `start` up to `end`, exclusive. */
  async *read(
    digest: string,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.pathOf(digest));
    } catch (error) {
      throw flistsAway(error);
    }
    yield* readFile(file, start, end);
  }

  /** JSON of what a flist has. */
  async summary(digest: string): Promise<Record<string, unknown>> {
    const row = await this.#database.selectFrom("flist").select("summary")
      .where("digest", "=", digest).executeTakeFirst();
    if (row === undefined) throw flistNotFound();
    return JSON.parse(row.summary);
  }

  /** A page of the flists that the reader may see, by user, name and tag, and how many there are. */
  async list(
    reader: Reader,
    { query: text, user, page, perPage }: FlistSelection,
  ): Promise<{ readonly flists: FlistInfo[]; readonly total: number }> {
    let query = this.#visible(reader);
    if (user !== undefined) query = query.where("owner", "=", user);
    if (text !== undefined && text !== "") {
      const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
      query = query.where(({ or }) =>
        or(
          (["owner", "name", "tag", "title", "description"] as const).map((column) =>
            sql<boolean>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`
          ),
        )
      );
    }
    const { total } = await query.select(({ fn }) => fn.countAll().as("total"))
      .executeTakeFirstOrThrow();
    const rows = await query.selectAll().orderBy("owner").orderBy("name").orderBy("tag")
      .limit(perPage).offset((page - 1) * perPage).execute();
    return { flists: rows.map(toInfo), total: Number(total) };
  }

  /** The tags of a name, and what they stood for. @throws {HubProblem} 404 when there is nothing. */
  async history(user: string, name: string, reader: Reader): Promise<FlistHistory> {
    const rows = await this.#visible(reader).selectAll()
      .where("owner", "=", user).where("name", "=", name).orderBy("tag").limit(HISTORY_MAX)
      .execute();
    const tags = rows.map(toInfo);
    const events = await this.#database.selectFrom("flist_event").selectAll()
      .where("owner", "=", user).where("name", "=", name)
      .where(({ or, eb }) => or([eb("visibility", "=", "public"), eb("owner", "=", reader ?? "")]))
      .orderBy("at", "desc").orderBy("id", "desc").limit(HISTORY_MAX).execute();
    if (tags.length === 0 && events.length === 0) throw flistNotFound();
    const history = events.map(({ tag, digest, size, at, actor }) => ({
      tag,
      at,
      ...(digest === null ? {} : { digest, size: Number(size) }),
      ...(user === reader ? { actor } : {}),
    }));
    return { user, name, tags, history };
  }

  /** Changes who may see a tag, and what it stood for. @throws {HubProblem} 404. */
  async change(
    { user, name, tag }: FlistReference,
    visibility: Visibility,
  ): Promise<FlistInfo> {
    await this.#database.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction.updateTable("flist_tag")
        .set({ visibility, updated_at: this.#now() })
        .where("owner", "=", user).where("name", "=", name).where("tag", "=", tag)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw flistNotFound();
      await transaction.updateTable("flist_event").set({ visibility })
        .where("owner", "=", user).where("name", "=", name).where("tag", "=", tag).execute();
    });
    return await this.get({ user, name, tag }, user);
  }

  /** Removes a tag. @throws {HubProblem} 404. */
  async remove({ user, name, tag }: FlistReference, actor: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const row = await transaction.deleteFrom("flist_tag")
        .where("owner", "=", user).where("name", "=", name).where("tag", "=", tag)
        .returningAll().executeTakeFirst();
      if (row === undefined) throw flistNotFound();
      await giveRoom(transaction, user, { bytes: Number(row.size), objects: 1 });
      await this.#addEvent(transaction, row, actor, undefined);
      // What was removed is not to be had by its digest either.
      await transaction.updateTable("flist_event").set({ visibility: "private" })
        .where("owner", "=", user).where("name", "=", name).where("tag", "=", tag).execute();
    });
  }

  /** All paths of a flist, for rfs's clients. */
  async paths(digest: string): Promise<{ paths: readonly string[]; routes: string }> {
    const task = { kind: "paths", path: this.pathOf(digest), bytesMax: 64 * 2 ** 20 } as const;
    return await runFlistTask<"paths">(task, this.#checkBounds);
  }

  /**
   * Notes which of the hub's blocks a flist refers to. Where blocks are each user's own, a flist keeps
   * and shows those alone that its publisher has: naming a block is no proof of having it.
   */
  async #keepBlocks(flist: string, ids: Uint8Array<ArrayBuffer>, owner: string): Promise<void> {
    const all = Array.from(
      { length: ids.length / 32 },
      (_, index) => blockIdFromBytes(ids.slice(index * 32, index * 32 + 32)),
    );
    for (const slice of slices([...new Set(all)])) {
      await this.#database.transaction().execute(async (transaction) => {
        const rows = this.#options.dedup === "users"
          ? await transaction.selectFrom("block").select("id")
            .where("id", "in", slice).where("garbage_since", "is", null).execute()
          : await transaction.selectFrom("block_owner").select("block as id")
            .where("block", "in", slice).where("owner", "=", owner).execute();
        if (rows.length === 0) return;
        await transaction.insertInto("flist_block")
          .values(rows.map(({ id }) => ({ flist, owner, block: id })))
          .onConflict((conflict) => conflict.columns(["flist", "owner", "block"]).doNothing())
          .execute();
      });
    }
  }

  async #addEvent(
    transaction: Kysely<HubTables>,
    { owner, name, tag, size, visibility }: Selectable<FlistTagTable>,
    actor: string,
    digest: string | undefined,
  ): Promise<void> {
    const at = this.#now();
    await transaction.insertInto("flist_event").values({
      id: `${at}-${crypto.randomUUID()}`.slice(0, 64),
      owner,
      name,
      tag,
      digest: digest ?? null,
      size: digest === undefined ? null : size,
      visibility,
      at,
      actor,
    }).execute();
  }

  #visible(reader: Reader): SelectQueryBuilder<HubTables, "flist_tag", Record<never, never>> {
    return this.#database.selectFrom("flist_tag").where(({ or, eb }) =>
      or([eb("visibility", "=", "public"), eb("owner", "=", reader ?? "")])
    );
  }

  #now(): string {
    return new Date(this.#options.now()).toISOString();
  }
}

function toInfo(row: Selectable<FlistTagTable>): FlistInfo {
  const { owner: user, name, tag, digest, created_at, updated_at, title, description } = row;
  return {
    user,
    name,
    tag,
    digest,
    size: Number(row.size),
    visibility: row.visibility as Visibility,
    created_at,
    updated_at,
    ...(title === null ? {} : { title }),
    ...(description === null ? {} : { description }),
  };
}

function flistsAway(cause: unknown): HubProblem {
  return new HubProblem(503, "unavailable", "The hub's flists are away", undefined, {
    cause,
    retryAfterSeconds: 5,
  });
}

/** Makes a folder in one that is there. */
async function makePrivateFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw flistsAway(error);
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function flistNotFound(): HubProblem {
  return new HubProblem(404, "flist_not_found", "There is no such flist");
}

async function* readFile(
  file: Deno.FsFile,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  try {
    await file.seek(start, Deno.SeekMode.Start);
    for (let at = start; at < end;) {
      const buffer = new Uint8Array(Math.min(256 * 1024, end - at));
      const length = await file.read(buffer);
      if (length === null) throw new Error("a flist of the hub is too short");
      at += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    file.close();
  }
}
