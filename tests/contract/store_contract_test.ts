/**
 * Goal: every store keeps the contract. Method: the checks of lib/store/store_contract.ts, each on a
 * fresh store of each kind.
 */

import { openStore, type OpenStoreOptions } from "../../lib/store/open_store.ts";
import { openBlockCache } from "../../lib/store/block_cache.ts";
import { checkEitherDigest } from "../../lib/store/block_check.ts";
import { MemoryStore } from "../../lib/store/memory_store.ts";
import type { Store } from "../../lib/store/store.ts";
import { CachedStore } from "../../lib/store/wrappers/cached_store.ts";
import { DeadlineStore } from "../../lib/store/wrappers/deadline_store.ts";
import { wrapLeaf } from "../../lib/store/wrappers/leaf_wrappers.ts";
import { LimitedStore } from "../../lib/store/wrappers/limited_store.ts";
import { MeteredStore } from "../../lib/store/wrappers/metered_store.ts";
import { RetryingStore } from "../../lib/store/wrappers/retrying_store.ts";
import { RoutedStore } from "../../lib/store/wrappers/routed_store.ts";
import { SingleFlightStore } from "../../lib/store/wrappers/single_flight_store.ts";
import { StoreMetricsCollector } from "../../lib/store/wrappers/store_metrics.ts";
import { TokenBucket } from "../../lib/store/wrappers/token_bucket.ts";
import { VerifyingStore } from "../../lib/store/wrappers/verifying_store.ts";
import { StoreUnavailableError } from "../../lib/base/errors.ts";
import { FaultyStore } from "../helpers/faulty_store.ts";
import { type ContractStore, storeContract } from "./store_contract.ts";

/** Opens specs in which `$` stands for a fresh folder. */
async function openInFolder(
  specs: readonly string[],
  options: OpenStoreOptions = {},
): Promise<ContractStore> {
  const folder = await Deno.makeTempDir();
  const store = await openStore(specs.map((spec) => spec.replace("$", folder)), {
    create: true,
    ...options,
  });
  return { store, cleanUp: () => Deno.remove(folder, { recursive: true }) };
}

storeContract("directory store", () => openInFolder(["dir://$/blocks"]));

storeContract(
  "directory store that syncs each block",
  // In memory where there is such a place: whether the system call is made is what matters here,
  // and a disk would take a second for a thousand of them.
  async () => {
    const dir = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => undefined);
    const folder = await Deno.makeTempDir({ ...(dir !== undefined && { dir }) });
    const store = await openStore([`dir://${folder}`], { durability: "each" });
    return { store, cleanUp: () => Deno.remove(folder, { recursive: true }) };
  },
);

storeContract("memory store", async () => ({
  store: await openStore([`mem://${crypto.randomUUID()}`]),
}));

storeContract(
  "routed store of two directories and a replica",
  () => openInFolder(["00-7f=dir://$/low", "80-ff=dir://$/high", "dir://$/replica"]),
);

storeContract(
  "routed store of a directory and memory as replicas",
  () => openInFolder(["dir://$/blocks", `mem://${crypto.randomUUID()}`]),
);

const metrics = new StoreMetricsCollector();
const check = checkEitherDigest;
const rate = (): TokenBucket => new TokenBucket(1e9);

const WRAPPERS: Readonly<Record<string, (inner: Store) => Store>> = {
  "metered store": (inner) => new MeteredStore(inner, metrics.meter(inner.url)),
  "deadline store": (inner) => new DeadlineStore(inner, 10_000),
  "limited store": (inner) => new LimitedStore(inner, { concurrency: 4, rate: rate() }),
  "retrying store": (inner) => new RetryingStore(inner),
  "verifying store": (inner) => new VerifyingStore(inner, { check }),
  "single flight store": (inner) => new SingleFlightStore(inner),
  "store with all wrappers": (inner) => wrappedAsRemote(inner),
};

for (const [name, wrap] of Object.entries(WRAPPERS)) {
  storeContract(
    `${name} around memory`,
    () => Promise.resolve({ store: wrap(new MemoryStore()) }),
  );
}

function wrappedAsRemote(inner: Store): Store {
  const place = { isRemote: true, isAlone: false, rate: rate() };
  return new SingleFlightStore(wrapLeaf(inner, place, { metrics, concurrency: 8 }));
}

/** A store whose every third call of any kind fails for the moment. */
function shaky(): Store {
  const error = new StoreUnavailableError("mem://", "Try again", { retryable: true });
  const faulty = new FaultyStore(new MemoryStore(), [{ every: 3, error }]);
  return new RetryingStore(faulty, { attempts: 10, delayMs: 1 });
}

storeContract(
  "retrying store around one whose every third call fails",
  () => Promise.resolve({ store: shaky() }),
);

storeContract("routed store that heals, of wrapped stores", () => {
  const range = { start: 0, end: 255 };
  const routes = [wrappedAsRemote(new MemoryStore()), new VerifyingStore(shaky(), { check })];
  const heal = { check, everyReplica: true };
  return Promise.resolve({
    store: new RoutedStore(routes.map((store) => ({ ...range, store })), { heal }),
  });
});

for (
  const [name, sizeMax] of [["a cache", 2 ** 30], ["a cache of one page", 4096], [
    "a cache without room",
    0,
  ]] as const
) {
  storeContract(`store with ${name} around memory`, async () => {
    const folder = await Deno.makeTempDir();
    const cache = await openBlockCache(folder, { sizeMax, freeSpaceMin: 0 });
    return {
      store: new CachedStore(new MemoryStore(), cache),
      cleanUp: async () => {
        await cache[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      },
    };
  });
}
