/**
 * Goal: trees go to real S3 services and come back, and what goes wrong there is told as it is.
 * Method: SeaweedFS and Versity's gateway on loopback, as processes.
 */

import assert from "node:assert/strict";
import { MyfsError, packDirectory, unpackImage } from "../../mod.ts";
import { openStore } from "../../lib/store/open_store.ts";
import { makeCertificates } from "../helpers/certificates.ts";
import { MemoryS3 } from "../helpers/memory_s3.ts";
import { randomBlock } from "../helpers/random_block.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { has, requiringTest } from "../helpers/require.ts";
import {
  S3_KEY,
  S3_NEEDS,
  S3_READER,
  S3_SECRET,
  S3_SERVICES,
  S3Service,
  type S3ServiceName,
} from "../helpers/s3_services.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { myfs } from "./cli_process.ts";

const running = new Map<S3ServiceName, S3Service>();

Deno.test.beforeAll(async () => {
  const names = S3_SERVICES.filter((name) => has(S3_NEEDS[name]));
  await Promise.all(names.map(async (name) => {
    const service = await S3Service.start(name);
    running.set(name, service);
    await using _store = await openStore([service.url("blocks?create=1")], { create: true });
  }));
});

Deno.test.afterAll(async () => {
  for (const service of running.values()) await service[Symbol.asyncDispose]();
});

/** A test with each service. */
function serviceTest(
  name: string,
  run: (service: S3Service, name: S3ServiceName) => Promise<void>,
): void {
  for (const kind of S3_SERVICES) {
    requiringTest(["linux", "python3", S3_NEEDS[kind]], `S3 on ${kind}: ${name}`, async () => {
      await run(running.get(kind)!, kind);
    });
  }
}

/** Asserts how opening a store, or the first put, fails. */
async function assertRefused(
  url: string,
  code: string,
  message: RegExp,
  hint = /./,
): Promise<void> {
  const put = async (): Promise<void> => {
    await using store = await openStore([url], { create: true });
    const { id, block } = randomBlock(100);
    await store.put(id, block);
  };
  await assert.rejects(put, (error) => {
    assert.ok(error instanceof MyfsError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.hint!, hint);
    const shown = Deno.inspect(error, { depth: 20, showHidden: true });
    for (const secret of [S3_SECRET, encodeURIComponent(S3_SECRET), "wrong%2F", S3_KEY]) {
      assert.ok(!shown.includes(secret), shown);
    }
    return true;
  });
}

for (const profile of ["myfs", "rfs"] as const) {
  serviceTest(`a tree packed with profile ${profile} comes back the same`, async (service) => {
    using folder = new TempFolder();
    const source = folder.file("source");
    makeRandomTree(source, new SeededRandom(3), { entries: 150, sizes: [0, 1, 1_500_000] });
    const meta = folder.file("tree.fl");
    const store = service.url(`blocks/${crypto.randomUUID()}`);
    const first = await packDirectory(source, { meta, store, profile });
    assert.deepEqual(first.failures, []);
    assert.ok(first.blocksStored > 0);
    const second = await packDirectory(source, { meta: folder.file("again.fl"), store, profile });
    assert.equal(second.blocksStored, 0);
    assert.equal(second.blocksPresent, first.blocksStored);
    await unpackImage(meta, folder.file("target"), { store });
    const [target, expected] = [folder.file("target"), source];
    assert.deepEqual(await contents(target), await contents(expected));
    // The other profile does not hold all metadata.
    const options = { holes: false, owners: false };
    if (profile === "myfs") assertSameDump(dumpTree(target, options), dumpTree(expected, options));
  });
}

/** What lies in a tree: content by path, of a link where it leads. */
async function contents(root: string, path = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(`${root}/${path}`)) {
    const below = `${path}/${name}`;
    if (isDirectory) Object.assign(found, { [below]: "" }, await contents(root, below));
    else if (isSymlink) found[below] = await Deno.readLink(`${root}/${below}`);
    else found[below] = (await Deno.readFile(`${root}/${below}`)).toBase64();
  }
  return found;
}

serviceTest("a wrong key, a wrong secret and a missing bucket are told apart", async (service) => {
  const wrong = service.url("blocks", "nosuchkey:wrong%2Fsecret@");
  await assertRefused(wrong, "store_denied", /key is unknown/);
  const secret = service.url("blocks", `${S3_KEY}:wrong%2Fsecret@`);
  await assertRefused(secret, "store_denied", /secret is wrong \(SignatureDoesNotMatch\)/);
  await assertRefused(service.url("missing"), "store_unavailable", /no such bucket/);
  await assertRefused(service.url("blocks?anonymous=1", ""), "store_denied", /access denied/);
});

requiringTest([S3_NEEDS.seaweedfs], "S3 on seaweedfs: who may only read is told so", async () => {
  const service = running.get("seaweedfs")!;
  const { id, block } = randomBlock(1000);
  await using writer = await openStore([service.url("blocks/reader")], { create: true });
  await writer.put(id, block);
  const { key, secret } = S3_READER;
  const url = service.url("blocks/reader", `${key}:${encodeURIComponent(secret)}@`);
  await using reader = await openStore([url]);
  assert.deepEqual(await reader.get(id), block);
  await assertRefused(url, "store_denied", /access denied \(AccessDenied\)/);
});

requiringTest(
  [S3_NEEDS.versitygw],
  "S3 on versitygw: another region is named",
  async () => {
    const service = running.get("versitygw")!;
    await assertRefused(service.url("blocks?region=eu-west-1"), "store_unavailable", /us-east-1/);
  },
);

serviceTest("credentials need not stand in the URL", async (service) => {
  using folder = new TempFolder();
  const source = folder.tree("source", { file: "content" });
  const store = service.url("blocks/env", "");
  const pack = (env: Record<string, string>): ReturnType<typeof myfs> =>
    myfs(["pack", source, "--meta", folder.file("x.fl"), "--store", store], {
      env: { AWS_CONFIG_FILE: "/nonexistent", AWS_SHARED_CREDENTIALS_FILE: "/nonexistent", ...env },
    });
  const secrets = { aws_access_key_id: S3_KEY, aws_secret_access_key: S3_SECRET };
  const lines = Object.entries(secrets).map(([name, value]) => `${name} = ${value}\n`).join("");
  await Deno.writeTextFile(folder.file("credentials"), `[blocks]\n${lines}`);
  const [keys, profile, none] = await Promise.all([
    pack({ AWS_ACCESS_KEY_ID: S3_KEY, AWS_SECRET_ACCESS_KEY: S3_SECRET }),
    pack({ AWS_SHARED_CREDENTIALS_FILE: folder.file("credentials"), AWS_PROFILE: "blocks" }),
    pack({}),
  ]);
  assert.equal(keys.code, 0, keys.stderr);
  assert.equal(profile.code, 0, profile.stderr);
  assert.equal(none.code, 12, none.stderr);
  assert.match(none.stderr, /AWS_ACCESS_KEY_ID/);
  assert.ok(!`${keys.stderr}${profile.stderr}`.includes(S3_SECRET));
});

Deno.test("S3: a second pack of the same tree sends no block", async () => {
  await using service = await MemoryS3.start();
  using folder = new TempFolder();
  const source = folder.file("source");
  makeRandomTree(source, new SeededRandom(4), { entries: 100, sizes: [0, 1, 1_500_000] });
  const store = service.url("/tree");
  const first = await packDirectory(source, { meta: folder.file("a.fl"), store });
  const sent = service.takeRequests().filter((request) => request.startsWith("PUT"));
  assert.equal(sent.length, first.blocksStored);
  await packDirectory(source, { meta: folder.file("b.fl"), store });
  assert.deepEqual(service.takeRequests().filter((request) => request.startsWith("PUT")), []);
});

requiringTest(
  [S3_NEEDS.versitygw, "openssl"],
  "S3 on versitygw: over TLS the certificate counts",
  async () => {
    using folder = new TempFolder();
    const { authority, good } = await makeCertificates(folder.path);
    await using service = await S3Service.start("versitygw", good);
    await assertRefused(
      service.url("blocks"),
      "store_unavailable",
      /authority that is not trusted/,
    );
    // HTTP on the port for TLS, and the other way round.
    const plain = service.url("blocks").replace(/^s3s/, "s3");
    const answers = /not that of an S3 service|not HTTP|closed the connection/;
    await assertRefused(plain, "store_unavailable", answers, /s3s:|TLS/);
    const secure = running.get("versitygw")!.url("blocks").replace(/^s3/, "s3+tls");
    await assertRefused(secure, "store_unavailable", /does not speak TLS|TLS failed/);

    const source = folder.tree("source", { file: "content", large: new Uint8Array(3_000_000) });
    const meta = folder.file("x.fl");
    const store = service.url("blocks/deep?create=1");
    const env = { NODE_EXTRA_CA_CERTS: authority };
    const packed = await myfs(["pack", source, "--meta", meta, "--store", store], { env });
    assert.equal(packed.code, 0, packed.stderr);
    const target = folder.file("target");
    const unpacked = await myfs(["unpack", meta, target, "--store", store], { env });
    assert.equal(unpacked.code, 0, unpacked.stderr);
    assert.equal(await Deno.readTextFile(`${target}/file`), "content");
  },
);

requiringTest(
  [S3_NEEDS.versitygw, "openssl"],
  "S3 on versitygw: bad certificates are told apart",
  async () => {
    using folder = new TempFolder();
    const { authority, ...certificates } = await makeCertificates(folder.path);
    const source = folder.tree("source", { file: "content" });
    const cases = {
      otherHost: /certificate is for another name/,
      expired: /certificate has expired/,
      selfSigned: /certificate is self-signed/,
    };
    await Promise.all(
      Object.entries(cases).map(async ([name, message]) => {
        const files = certificates[name as keyof typeof cases];
        await using service = await S3Service.start("versitygw", files);
        const { code, stderr } = await myfs(
          ["pack", source, "--meta", folder.file(`${name}.fl`), "--store", service.url("blocks")],
          { env: { NODE_EXTRA_CA_CERTS: authority } },
        );
        assert.notEqual(code, 0);
        assert.match(stderr, message);
      }),
    );
  },
);
