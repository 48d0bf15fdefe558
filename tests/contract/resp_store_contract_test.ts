/**
 * Goal: stores in 0-db and in Redis keep the contract, in every way to reach them. Method: the checks
 * of lib/store/store_contract.ts on the strict server of helpers/zdb_server.ts and on redis-server,
 * each check on a server, or a database, that has nothing.
 */

import { openStore } from "../../lib/store/open_store.ts";
import { RedisServer, type RedisServerOptions } from "../helpers/redis_server.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { ZdbServer, type ZdbServerOptions } from "../helpers/zdb_server.ts";
import { has, requiringTest } from "../helpers/require.ts";
import { type ContractStore, storeContract } from "./store_contract.ts";

const NAMESPACES = { open: {}, closed: { password: "p:a/ss", isPublic: false } };

async function openZdb(
  urlOf: (server: ZdbServer) => string,
  options: ZdbServerOptions = {},
): Promise<ContractStore> {
  const server = new ZdbServer({ namespaces: NAMESPACES, ...options });
  const store = await openStore([urlOf(server)], { create: true });
  const cleanUp = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    if (server.unknown.length > 0) throw new Error(`0-db does not know ${server.unknown}`);
  };
  return { store, cleanUp };
}

const ZDB_URLS: Readonly<Record<string, (server: ZdbServer) => string>> = {
  "default namespace": ({ address }) => `zdb://${address}`,
  "namespace": ({ address }) => `zdb://${address}/open`,
  "namespace with a password": ({ address }) => `zdb://me:p%3Aa%2Fss@${address}/closed`,
};

for (const [name, urlOf] of Object.entries(ZDB_URLS)) {
  storeContract(`zdb store, ${name}`, () => openZdb(urlOf));
}

storeContract("zdb store, namespace with a password over a unix socket", async () => {
  const folder = new TempFolder();
  const socket = folder.file("zdb.sock");
  const { store, cleanUp } = await openZdb(
    () => `zdb://${socket}?namespace=closed&password=${encodeURIComponent("p:a/ss")}`,
    { socket },
  );
  return { store, cleanUp: () => cleanUp!().finally(() => folder[Symbol.dispose]()) };
});

async function openRedis(
  options: RedisServerOptions,
  urlOf: (server: RedisServer) => string,
): Promise<ContractStore> {
  const server = await RedisServer.start(options);
  const store = await openStore([urlOf(server)], { create: true });
  return { store, cleanUp: () => server[Symbol.asyncDispose]() };
}

if (has("redis-server")) {
  storeContract("redis store", () => openRedis({}, ({ port }) => `redis://127.0.0.1:${port}`));
  storeContract(
    "redis store with a password, in a database",
    () => openRedis({ password: "p@ss" }, ({ port }) => `redis://:p%40ss@127.0.0.1:${port}/3`),
  );
  storeContract(
    "redis store over a unix socket",
    () => openRedis({ password: "x" }, ({ socket }) => `redis://${socket}?db=1&password=x`),
  );
} else {
  requiringTest(["redis-server"], "redis store: keeps the contract", () => {});
}
