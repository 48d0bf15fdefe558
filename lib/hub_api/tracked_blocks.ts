/**
 * Which blocks a user has at a hub, and how often they were downloaded.
 *
 * @module
 */

import type { HubClient } from "./hub_client.ts";

/** A block at a hub. */
export interface TrackedBlock {
  /** Its id, in hexadecimal. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** How often it was downloaded, by anybody. */
  readonly downloads: number;
}

/** Blocks that a page of the list has. */
const PAGE_SIZE = 100;

/** Requests under way at once. */
const AHEAD = 8;

/** How many blocks the caller has at the hub, and how many all users have together. */
export async function countBlocksAtHub(
  client: HubClient,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<{ readonly own: number; readonly all: number }> {
  const { total, all_blocks: all } = await ownPage(client, 1, signal);
  return { own: total, all };
}

/**
 * The blocks that are named or, where none are, all of the caller's, in their order. A consumer that
 * breaks off ends it.
 *
 * @example
 * ```ts ignore
 * for await (const { id, downloads } of trackBlocks(client)) console.log(id, downloads);
 * ```
 *
 * @throws {SyntaxError} when what is named is no id.
 * @throws {HubError} with status 404 when a block is not there, or the caller may not know of it.
 */
export async function* trackBlocks(
  client: HubClient,
  { ids, signal }: { readonly ids?: readonly string[]; readonly signal?: AbortSignal } = {},
): AsyncGenerator<TrackedBlock, void, void> {
  if (ids?.some((id) => !/^[0-9a-f]{64}$/.test(id)) === true) {
    throw new SyntaxError("Cannot track a block: its id is 64 lower-case hexadecimal digits");
  }
  const ahead: Promise<TrackedBlock>[] = [];
  for await (const id of ids ?? ownBlocks(client, signal)) {
    const block = trackBlock(client, id, signal);
    // It is waited for in its turn, unless one before it fails.
    block.catch(() => {});
    ahead.push(block);
    if (ahead.length >= AHEAD) yield await ahead.shift()!;
  }
  for (const block of ahead) yield await block;
}

async function* ownBlocks(
  client: HubClient,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  for (let page = 1;; page++) {
    const { blocks } = await ownPage(client, page, signal);
    for (const [id] of blocks) yield id;
    if (blocks.length < PAGE_SIZE) return;
  }
}

async function ownPage(
  client: HubClient,
  page: number,
  signal: AbortSignal | undefined,
): Promise<{ blocks: [string, number][]; total: number; all_blocks: number }> {
  const { UserBlocksAnswer } = await import("./messages/mod.ts");
  return await client.json(UserBlocksAnswer, {
    method: "GET",
    path: `api/v1/user/blocks?page=${page}&per_page=${PAGE_SIZE}`,
    task: `list the blocks at ${client.hub.name}`,
    signal,
  });
}

async function trackBlock(
  client: HubClient,
  id: string,
  signal: AbortSignal | undefined,
): Promise<TrackedBlock> {
  const { BlockDownloadsAnswer } = await import("./messages/mod.ts");
  const answer = await client.json(BlockDownloadsAnswer, {
    method: "GET",
    path: `api/v1/block/${id}/downloads`,
    task: `ask ${client.hub.name} for the downloads of ${id}`,
    signal,
  });
  return { id, size: answer.block_size, downloads: answer.downloads_count };
}
