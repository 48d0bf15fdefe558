/**
 * What the parts of a hub's content share.
 *
 * @module
 */

import type { Kysely } from "kysely";
import type { Store } from "myfs";
import type { HubTables } from "../database/tables.ts";

/** Among whom a block is kept once, and so who may notice that it is there. */
export type DedupScope = "users" | "user";

/** What a hub's content is made of. */
export interface ContentOptions {
  readonly database: Kysely<HubTables>;
  /** Holds the blocks; it stays its owner's. */
  readonly store: Store;
  /** Folder of flists, by digest. */
  readonly flistDirectory: string;
  /**
   * `users`: whoever knows a block's id may get it, and is told that it is there. `user`: a block is
   * there only for those who uploaded it, and for readers of a flist that has it.
   *
   * @default "users"
   */
  readonly dedup?: DedupScope;
  /** Bytes of the blocks that files are cut into. @default 1 MiB */
  readonly blockSize?: number;
  /** The largest flist, in bytes. @default 1 GiB */
  readonly flistSizeMax?: number;
  /** The most time that the check of a flist may take, in milliseconds. @default one minute */
  readonly flistTimeMaxMs?: number;
  /** The most memory that the check of a flist may take, in MiB. @default 512 */
  readonly flistMemoryMaxMib?: number;
  /** How long an upload in parts may rest, in milliseconds. @default 7 days */
  readonly uploadLifetimeMs?: number;
  /** How often counts of downloads are written, in milliseconds. @default 5000 */
  readonly flushIntervalMs?: number;
  /** Memory for blocks that are asked for often, in bytes; 0 for none. @default 64 MiB */
  readonly memoryMax?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The options with all their defaults. */
export type ResolvedContentOptions = Required<ContentOptions>;

/** Fills in the defaults. */
export function resolveContentOptions(options: ContentOptions): ResolvedContentOptions {
  return {
    dedup: "users",
    blockSize: 2 ** 20,
    flistSizeMax: 2 ** 30,
    flistTimeMaxMs: 60_000,
    flistMemoryMaxMib: 512,
    uploadLifetimeMs: 7 * 86_400_000,
    flushIntervalMs: 5000,
    memoryMax: 64 * 2 ** 20,
    now: Date.now,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  } as ResolvedContentOptions;
}

/** Pieces of a list, so that a statement has a bounded number of parameters. */
export function* slices<Item>(items: readonly Item[], size = 500): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
