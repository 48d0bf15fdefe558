/**
 * Goal: an S3 store keeps the contract on real services of different make. Method: the checks of
 * lib/store/store_contract.ts, each in a bucket or under a prefix of its own.
 */

import { openStore } from "../../lib/store/open_store.ts";
import { has } from "../helpers/require.ts";
import { S3_NEEDS, S3_SERVICES, S3Service, type S3ServiceName } from "../helpers/s3_services.ts";
import { type ContractStore, storeContract } from "./store_contract.ts";

const running = new Map<S3ServiceName, S3Service>();

Deno.test.beforeAll(async () => {
  const names = S3_SERVICES.filter((name) => has(S3_NEEDS[name]));
  await Promise.all(names.map(async (name) => {
    running.set(name, await S3Service.start(name));
  }));
});

Deno.test.afterAll(async () => {
  for (const service of running.values()) await service[Symbol.asyncDispose]();
});

async function open(name: S3ServiceName, place: string): Promise<ContractStore> {
  const url = running.get(name)!.url(`${place}?create=1`);
  return { store: await openStore([url], { create: true }) };
}

const unique = (): string => crypto.randomUUID();

for (const name of S3_SERVICES) {
  const needs = [S3_NEEDS[name]];
  storeContract(`S3 store on ${name}`, () => open(name, unique()), needs);
  storeContract(
    `S3 store on ${name} under a prefix`,
    () => open(name, `contract/deep/${unique()}`),
    needs,
  );
}
