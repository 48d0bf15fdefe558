/**
 * Goal: every store keeps the contract. Method: the checks of lib/store/store_contract.ts, each on a
 * fresh store of each kind.
 */

import { openStore, type OpenStoreOptions } from "../../lib/store/open_store.ts";
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
