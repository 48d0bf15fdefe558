/**
 * From URLs to stores in servers that speak RESP.
 *
 * The client is our own. Neither ioredis nor redis can be kept from sending what 0-db does not know
 * (`INFO`, `CLIENT`, and a `SELECT` by number when they connect anew), and both take whatever a server
 * announces into memory: a value of 4 GB, of which 1.5 GB came, took each of them 1.6 GB.
 *
 * @module
 */

import { redactUrl } from "../store_url.ts";
import { redisDialect } from "./redis_dialect.ts";
import { parseRespUrl, type RespUrlForm } from "./resp_address.ts";
import { RespStore, type RespStoreOptions } from "./resp_store.ts";
import { zdbDialect } from "./zdb_dialect.ts";

const ZDB_FORM: RespUrlForm = {
  port: 9900,
  tls: false,
  spaceParameter: "namespace",
  example:
    "zdb://[user[:password]@]host[:port][/namespace] or zdb:///path/to/socket?namespace=name",
};

const REDIS_FORM: RespUrlForm = {
  port: 6379,
  tls: false,
  spaceParameter: "db",
  example:
    "redis://[[user]:password@]host[:port][/database-number] or redis:///path/to/socket?db=number",
};

/**
 * Opens `zdb://[user[:password]@]host[:port][/namespace]` or
 * `zdb:///path/to/socket[?namespace=…][&password=…]`. A user is not sent: 0-db knows none.
 *
 * @throws {SyntaxError} when the URL is neither, and what {@link RespStore.open} throws.
 */
export async function openZdbStore(url: string, options: RespStoreOptions): Promise<RespStore> {
  return await RespStore.open(parseRespUrl(url, ZDB_FORM), zdbDialect, options);
}

/**
 * Opens `redis://[[user]:password@]host[:port][/database-number]`, the same with `rediss://` for TLS,
 * or `redis:///path/to/socket[?db=…][&user=…][&password=…]`.
 *
 * @throws {SyntaxError} when the URL is none of these, and what {@link RespStore.open} throws.
 */
export async function openRedisStore(url: string, options: RespStoreOptions): Promise<RespStore> {
  const tls = /^rediss:/i.test(url);
  const address = parseRespUrl(url, { ...REDIS_FORM, tls });
  const isNumber = /^(0|[1-9]\d{0,4})?$/.test(address.space);
  const isMeantAsNumber = address.place.kind === "unix" && /^\/\d+$/.test(address.place.path);
  if (!isNumber || isMeantAsNumber) {
    const reason = isNumber ? "it names no host" : "a database of Redis has a number";
    throw new SyntaxError(
      `Cannot open store ${redactUrl(url)}: ${reason}; write ${REDIS_FORM.example}`,
    );
  }
  return await RespStore.open(address, redisDialect, options);
}
