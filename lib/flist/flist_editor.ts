/**
 * Changes the tags and routes of a flist that exists. The tree and its content never change.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { FlistNotFoundError } from "../base/errors.ts";
import type { Profile } from "../block/profile.ts";
import { reservedTagFault, routeFault, ROUTES_MAX, tagFault, TAGS_MAX } from "./entry_rules.ts";
import { fileError } from "./file_failures.ts";
import type { Route } from "./flist_record.ts";
import { readRoutes, readTags } from "./flist_reader.ts";
import { ForeignDatabase } from "./foreign_database.ts";
import { TemporaryFile } from "./temporary_file.ts";

/** Nobody else reads the copy, so it needs no journal on the disk; a deleted URL must not stay in the file. */
const SETTINGS = `
  PRAGMA journal_mode = MEMORY;
  PRAGMA synchronous = OFF;
  PRAGMA secure_delete = ON;
  BEGIN;
`;

/**
 * Edits a copy of a flist of either profile, which takes the flist's place at {@link finish}:
 * readers see the old one or the new one, and those that have it open keep the old one. Disposing of
 * the editor before that changes nothing. Of two edits at the same time the last to finish wins.
 *
 * @example
 * ```ts ignore
 * using editor = FlistEditor.open("tree.fl");
 * editor.setTag("version", "2.1");
 * editor.deleteRoutes({ url: "dir:///old" });
 * editor.addRoute({ start: 0, end: 255, url: "dir:///new" });
 * editor.finish();
 * ```
 */
export class FlistEditor implements Disposable {
  readonly #file: TemporaryFile;
  readonly #database: ForeignDatabase;
  readonly #mode: number | null;
  #open = true;

  private constructor(file: TemporaryFile, database: ForeignDatabase, mode: number | null) {
    this.#file = file;
    this.#database = database;
    this.#mode = mode;
  }

  /**
   * Starts to edit the flist at `path`, or a copy of it.
   *
   * @throws {FlistNotFoundError} when there is no such file.
   * @throws {FlistFormatError} when it is not a flist, damaged, or of a newer version.
   * @throws {SystemError} when it cannot be read, or its directory cannot be written.
   */
  static open(path: string, options: FlistEditorOptions = {}): FlistEditor {
    // Looked at before it is copied, however large something that is no flist may be.
    ForeignDatabase.open(path)[Symbol.dispose]();
    const { source, status } = locate(path);
    const file = TemporaryFile.beside(options.target ?? source);
    let database: ForeignDatabase | undefined;
    try {
      copy(source, file.path, status);
      database = ForeignDatabase.open(file.path, { writable: true, shownPath: path });
      database.exec(SETTINGS);
      return new FlistEditor(file, database, status.mode);
    } catch (error) {
      database?.[Symbol.dispose]();
      file[Symbol.dispose]();
      throw fileError("edit flist", path, error);
    }
  }

  /** Which schema the flist has. */
  get profile(): Profile {
    return this.#database.profile;
  }

  /** The tags as they are by now. */
  tags(): Map<string, string> {
    return readTags(this.#database);
  }

  /** The routes as they are by now, in order. */
  routes(): Route[] {
    return readRoutes(this.#database);
  }

  /**
   * Sets a tag, in place of an earlier one with the same key.
   *
   * @throws {RangeError} when it is not text, or the key is reserved.
   */
  setTag(key: string, value: string): void {
    const tags = this.tags();
    const fault = reservedTagFault(key) ?? tagFault(key, value) ??
      (tags.size >= TAGS_MAX && !tags.has(key) ? "there are too many" : undefined);
    if (fault !== undefined) {
      throw new RangeError(`Cannot set the tag "${displayByteString(key)}": ${fault}`);
    }
    this.#database.run("INSERT OR REPLACE INTO tag VALUES (?, ?)", key, value);
  }

  /**
   * Deletes a tag.
   *
   * @returns whether there was one.
   * @throws {RangeError} when the key is reserved.
   */
  deleteTag(key: string): boolean {
    const fault = reservedTagFault(key);
    if (fault !== undefined) {
      throw new RangeError(`Cannot delete the tag "${displayByteString(key)}": ${fault}`);
    }
    return this.#database.run("DELETE FROM tag WHERE key = ?", key) > 0;
  }

  /** Deletes all tags that users may set. @returns how many there were. */
  clearTags(): number {
    let count = 0;
    for (const key of this.tags().keys()) {
      if (reservedTagFault(key) === undefined && this.deleteTag(key)) count++;
    }
    return count;
  }

  /**
   * Adds a route behind the others.
   *
   * @throws {RangeError} when it is not one.
   */
  addRoute(route: Route): void {
    const fault = routeFault(route) ??
      (this.routes().length >= ROUTES_MAX ? "there are too many" : undefined);
    if (fault !== undefined) throw new RangeError(`Cannot add a route to the flist: ${fault}`);
    const { start, end, url } = route;
    this.#database.run("INSERT INTO route VALUES (?, ?, ?)", start, end, url);
  }

  /**
   * Deletes the routes that agree with every field given; with none given, all.
   *
   * @returns how many there were.
   */
  deleteRoutes(match: Partial<Route> = {}): number {
    const fields = (["start", "end", "url"] as const).filter((field) => match[field] !== undefined);
    const condition = ["1", ...fields.map((field) => `${field} = ?`)].join(" AND ");
    return this.#database.run(
      `DELETE FROM route WHERE ${condition}`,
      ...fields.map((field) => match[field]!),
    );
  }

  /**
   * Puts `routes` in place of all that there are.
   *
   * @throws {RangeError} when one is not a route.
   */
  replaceRoutes(routes: readonly Route[]): void {
    this.deleteRoutes();
    for (const route of routes) this.addRoute(route);
  }

  /**
   * Puts the changed flist in the place of the old one.
   *
   * @throws {SystemError} when the disk or the directory refuses. The old one is left then.
   */
  finish(): void {
    if (!this.#open) throw new TypeError("Cannot finish editing: it was finished or discarded");
    try {
      this.#database.exec("COMMIT");
      this.#close();
      if (this.#mode !== null) Deno.chmodSync(this.#file.path, this.#mode & 0o7777);
      this.#file.replaceTarget();
    } catch (error) {
      throw fileError("edit flist", this.#database.path, error);
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Throws the changes away unless {@link finish} has succeeded. */
  [Symbol.dispose](): void {
    this.#close();
    this.#file[Symbol.dispose]();
  }

  #close(): void {
    this.#open = false;
    this.#database[Symbol.dispose]();
  }
}

/** Where the edited flist goes. */
export interface FlistEditorOptions {
  /**
   * Path of the flist to write.
   * @default {the flist that is edited}
   */
  readonly target?: string;
}

/** The file that `path` leads to, which is to be replaced instead of a symbolic link to it. */
function locate(path: string): { readonly source: string; readonly status: Deno.FileInfo } {
  try {
    const source = Deno.realPathSync(path);
    return { source, status: Deno.statSync(source) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new FlistNotFoundError(path, { cause: error });
    throw fileError("edit flist", path, error);
  }
}

function copy(source: string, target: string, status: Deno.FileInfo): void {
  Deno.copyFileSync(source, target);
  // A flist that is read only keeps that, but the copy must be written first.
  Deno.chmodSync(target, 0o600);
  const { uid, gid } = status;
  if (uid === null || gid === null) return;
  try {
    Deno.chownSync(target, uid, gid);
  } catch {
    // Only root can give files away; anybody else's edit makes the flist his own, as in any editor.
  }
}
