/**
 * Flists by other names than paths: on a hub, or at a web address. They are downloaded to a cache,
 * where they stay under their SHA-256, and asked for again only where they have changed.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { FlistFormatError, FlistNotFoundError, StoreUnavailableError } from "../base/errors.ts";
import { bodyPieces, BrokenBodyError } from "../hub_api/body_pieces.ts";
import type { HubCredentials } from "../hub_api/credentials.ts";
import type { ConnectHubOptions, HubClient } from "../hub_api/hub_client.ts";
import {
  formatHubFlist,
  type HubAddress,
  type HubFlistReference,
  isHubFlist,
  parseHubFlist,
} from "../hub_api/hub_address.ts";
import { redactUrl } from "../store/store_url.ts";

/** How to get flists that are elsewhere. */
export interface ResolveFlistOptions {
  /** Folder in which downloaded flists are kept; made, for its owner alone. */
  readonly cacheFolder: string;
  /** Tokens for hubs. @default flists are asked for without */
  readonly credentials?: HubCredentials;
  /** A client that is used for flists on its hub. @default one is made */
  readonly client?: HubClient;
  /** Stops the download. */
  readonly signal?: AbortSignal;
  /** How long a server may be silent. @default {30_000} */
  readonly timeoutMs?: number;
}

/** Largest flist that is downloaded, in bytes. */
const FLIST_SIZE_MAX = 16 * 1024 ** 3;

/** What is known of a name since it was last asked for. */
interface CachedName {
  readonly sha256: string;
  readonly etag: string;
}

/**
 * The path of the flist that `reference` names: `reference` itself where it is a path, else the path
 * of a copy in the cache. References are:
 *
 * - `hub://host/user/name:tag` and `hub://host/<sha256>`, over HTTPS with `hubs://`;
 * - `http://…` and `https://…`, also with `#sha256=<digest>` behind, which the flist must have.
 *
 * The copy is a foreign flist like any other: its routes may not lead to this machine unless that is
 * trusted. The caller must not change it.
 *
 * @throws {SyntaxError} when the reference cannot be read.
 * @throws {FlistNotFoundError} when there is none, or the caller may not see it.
 * @throws {FlistFormatError} when what came does not have the digest that it should.
 * @throws {StoreDeniedError} {StoreUnavailableError} when the server refuses, or is away.
 *
 * @example
 * ```ts
 * import { resolveFlist } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await using server = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("a flist"));
 * const path = await resolveFlist(`http://127.0.0.1:${server.addr.port}/tree.fl`, {
 *   cacheFolder: folder,
 * });
 * console.assert(await Deno.readTextFile(path) === "a flist");
 * console.assert(await resolveFlist("./tree.fl", { cacheFolder: folder }) === "./tree.fl");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function resolveFlist(
  reference: string,
  options: ResolveFlistOptions,
): Promise<string> {
  if (isHubFlist(reference)) return await resolveHubFlist(parseHubFlist(reference), options);
  if (/^https?:\/\//i.test(reference)) return await resolveWebFlist(reference, options);
  return reference;
}

async function resolveHubFlist(
  reference: HubFlistReference,
  options: ResolveFlistOptions,
): Promise<string> {
  const { credentials, signal, timeoutMs } = options;
  const cache = await FlistCache.open(options.cacheFolder);
  const name = formatHubFlist(reference);
  if (reference.kind === "digest") {
    const path = await cache.find(reference.sha256);
    if (path !== undefined) return path;
  }
  const client = options.client?.hub.base.href === reference.hub.base.href
    ? options.client
    : await makeClient(reference.hub, {
      ...(credentials === undefined ? {} : { credentials }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  const known = reference.kind === "digest" ? undefined : await cache.known(name);
  const ask = known === undefined ? { signal } : { etag: known.etag, signal };
  const response = await client.fetchFlist(reference, ask);
  if (response.status === 304 && known !== undefined) return cache.path(known.sha256);
  const etag = response.headers.get("etag") ?? "";
  const [, tagged] = /^"(?:sha256[:-])?([0-9a-f]{64})"$/.exec(etag) ?? [];
  const wanted = reference.kind === "digest" ? reference.sha256 : tagged;
  return await cache.keep(name, response, etag, wanted, options);
}

async function makeClient(hub: HubAddress, options: ConnectHubOptions): Promise<HubClient> {
  const { HubClient } = await import("../hub_api/hub_client.ts");
  return new HubClient(hub, options);
}

async function resolveWebFlist(reference: string, options: ResolveFlistOptions): Promise<string> {
  const { signal, timeoutMs = 30_000 } = options;
  const shown = redactUrl(reference);
  const url = URL.parse(reference);
  if (url === null) throw new SyntaxError(`Cannot get flist ${shown}: it is no web address`);
  const [, wanted] = /^#sha256=([0-9a-f]{64})$/.exec(url.hash) ?? [];
  if (url.hash !== "" && wanted === undefined) {
    throw new SyntaxError(`Cannot get flist ${shown}: behind # only sha256=<digest> may stand`);
  }
  url.hash = "";
  const headers = new Headers({ "Accept": "*/*", "User-Agent": "myfs" });
  const isSecret = url.username !== "" || url.password !== "";
  if (isSecret) {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set("Authorization", `Basic ${new TextEncoder().encode(pair).toBase64()}`);
    url.username = url.password = "";
  }
  const cache = await FlistCache.open(options.cacheFolder);
  if (wanted !== undefined) {
    const path = await cache.find(wanted);
    if (path !== undefined) return path;
  }
  const known = await cache.known(reference);
  if (known !== undefined) headers.set("If-None-Match", known.etag);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  let response: Response;
  try {
    response = await fetch(url, {
      headers,
      // A redirect could lead the password elsewhere.
      redirect: isSecret ? "manual" : "follow",
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    });
  } catch (error) {
    signal?.throwIfAborted();
    const reason = late.signal.aborted ? `no answer within ${timeoutMs} ms` : "the server is away";
    throw unavailable(shown, reason, true, error);
  } finally {
    clearTimeout(timer);
  }
  if (response.status === 304 && known !== undefined) return cache.path(known.sha256);
  if (response.ok) {
    const etag = response.headers.get("etag") ?? "";
    return await cache.keep(reference, response, etag, wanted, options);
  }
  await response.body?.cancel();
  if (response.status === 404 || response.status === 410) throw new FlistNotFoundError(shown);
  throw unavailable(shown, `the server answers ${response.status}`, response.status >= 500);
}

/** Downloaded flists, by SHA-256, and what names stood for. */
class FlistCache {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(cacheFolder: string): Promise<FlistCache> {
    const folder = `${cacheFolder}/flists`;
    await mkdir(`${folder}/names`, { recursive: true, mode: 0o700 });
    return new FlistCache(folder);
  }

  path(sha256: string): string {
    return `${this.#folder}/${sha256}.fl`;
  }

  /** The flist with that digest, looked at anew: a cache may have been damaged. */
  async find(sha256: string): Promise<string | undefined> {
    const path = this.path(sha256);
    try {
      const hash = createHash("sha256");
      using file = await Deno.open(path);
      for await (const piece of file.readable) hash.update(piece);
      if (hash.digest("hex") === sha256) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return undefined;
  }

  /** What `name` stood for, where that is still there. */
  async known(name: string): Promise<CachedName | undefined> {
    try {
      const { sha256, etag } = JSON.parse(await Deno.readTextFile(this.#namePath(name)));
      if (!/^[0-9a-f]{64}$/.test(sha256) || typeof etag !== "string" || etag === "") {
        return undefined;
      }
      return await this.find(sha256) === undefined ? undefined : { sha256, etag };
    } catch {
      // Not known, or not readable: it is downloaded then.
      return undefined;
    }
  }

  /** Keeps what comes, under its digest, which has to be `wanted` where that is known. */
  async keep(
    name: string,
    response: Response,
    etag: string,
    wanted: string | undefined,
    { signal, timeoutMs = 30_000 }: ResolveFlistOptions,
  ): Promise<string> {
    const shown = redactUrl(name);
    const temporary = `${this.#folder}/.${crypto.randomUUID()}.tmp`;
    const hash = createHash("sha256");
    try {
      let size = 0;
      {
        using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
        for await (const piece of bodyPieces(response, { silenceMaxMs: timeoutMs, signal })) {
          size += piece.length;
          if (size > FLIST_SIZE_MAX) throw new FlistFormatError(shown, "it is too large");
          hash.update(piece);
          for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
        }
        await file.syncData();
      }
      const sha256 = hash.digest("hex");
      if (wanted !== undefined && sha256 !== wanted) {
        throw new FlistFormatError(shown, `what came has SHA-256 ${sha256}, not ${wanted}`);
      }
      await rename(temporary, this.path(sha256));
      if (etag !== "") await this.#remember(name, { sha256, etag });
      return this.path(sha256);
    } catch (error) {
      if (error instanceof BrokenBodyError) throw unavailable(shown, error.message, true, error);
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #remember(name: string, cached: CachedName): Promise<void> {
    const temporary = `${this.#folder}/.${crypto.randomUUID()}.tmp`;
    await Deno.writeTextFile(temporary, JSON.stringify(cached), { mode: 0o600 });
    await rename(temporary, this.#namePath(name));
  }

  /** Names may hold passwords, and are not file names: their digest stands for them. */
  #namePath(name: string): string {
    return `${this.#folder}/names/${createHash("sha256").update(name).digest("hex")}`;
  }
}

function unavailable(
  shown: string,
  reason: string,
  retryable: boolean,
  cause?: unknown,
): StoreUnavailableError {
  return new StoreUnavailableError(shown, `Cannot get flist ${shown}: ${reason}`, {
    retryable,
    hint: "Check the address, and run the command again.",
    ...(cause === undefined ? {} : { cause }),
  });
}
