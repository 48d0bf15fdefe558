/**
 * Goal: blocks that a directory store keeps and a web server hands out are a store. Method: the
 * checks of lib/store/store_contract.ts on a store that writes, lists and deletes through the
 * directory and reads over HTTP from nginx.
 */

import type { Bytes } from "../../lib/base/bytes.ts";
import type { BlockId } from "../../lib/block/block_ref.ts";
import { DirectoryStore } from "../../lib/store/directory_store.ts";
import { HttpStore } from "../../lib/store/http_store.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "../../lib/store/store.ts";
import { nginxServer } from "../helpers/nginx_server.ts";
import { has } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import type { WebServer } from "../helpers/web_server.ts";
import { storeContract } from "./store_contract.ts";

/** A directory that is written to, and read through a web server. */
class PublishedStore implements Store {
  readonly url: string;
  readonly #directory: DirectoryStore;
  readonly #web: HttpStore;

  constructor(directory: DirectoryStore, web: HttpStore) {
    this.#directory = directory;
    this.#web = web;
    this.url = web.url;
  }

  get(id: BlockId, options?: StoreCallOptions): Promise<Bytes> {
    return this.#web.get(id, options);
  }

  has(ids: readonly BlockId[], options?: StoreCallOptions): Promise<boolean[]> {
    return this.#web.has(ids, options);
  }

  put(id: BlockId, block: Uint8Array, options?: PutOptions): Promise<PutResult> {
    return this.#directory.put(id, block, options);
  }

  list(options?: StoreCallOptions): AsyncIterable<BlockId> {
    return this.#directory.list(options);
  }

  delete(id: BlockId, options?: StoreCallOptions): Promise<boolean> {
    return this.#directory.delete(id, options);
  }

  async flush(options?: StoreCallOptions): Promise<void> {
    await this.#directory.flush(options);
    await this.#web.flush(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#web[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

let folder: TempFolder;
let server: WebServer | undefined;

Deno.test.beforeAll(async () => {
  folder = new TempFolder();
  if (has("nginx")) server = await nginxServer(folder.path);
});

Deno.test.afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

storeContract("HTTP store behind nginx", async () => {
  const path = crypto.randomUUID();
  const directory = await DirectoryStore.open(folder.file(path), {
    create: true,
    durability: "none",
  });
  const web = await HttpStore.open(`${server!.url}/${path}`);
  return { store: new PublishedStore(directory, web) };
}, ["nginx"]);
