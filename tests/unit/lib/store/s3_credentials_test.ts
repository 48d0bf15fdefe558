/**
 * Goal: credentials come from where AWS tools take them, and from nowhere unasked. Method: processes
 * with an environment and a home of their own.
 */

import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { TempFolder } from "../../../helpers/temp_folder.ts";

interface Found {
  readonly identity?: "nobody" | {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly message?: string;
  readonly hint?: string;
}

/** What a process finds that has this environment, and nothing else of ours but Deno's cache. */
async function find(url: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const script = fileURLToPath(new URL("../../../helpers/identity_process.ts", import.meta.url));
  const cache = JSON.parse(new TextDecoder().decode(
    (await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout,
  )).denoDir;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, url],
    clearEnv: true,
    env: { HOME: "/nonexistent", DENO_DIR: cache, ...env },
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return JSON.parse(new TextDecoder().decode(stdout));
}

const KEYS = { AWS_ACCESS_KEY_ID: "envkey", AWS_SECRET_ACCESS_KEY: "envsecret" };

/** A home with AWS files. */
function home(folder: TempFolder): string {
  return folder.tree("home", {
    ".aws/credentials":
      "[default]\naws_access_key_id = defkey\naws_secret_access_key = defsecret\n" +
      "[work]\naws_access_key_id = workkey\naws_secret_access_key = worksecret\n" +
      "aws_session_token = worktoken\n",
    ".aws/config":
      '[profile program]\ncredential_process = echo \'{"Version":1,"AccessKeyId":"progkey",' +
      '"SecretAccessKey":"progsecret"}\'\n' +
      "[profile broken]\ncredential_process = false s3cr3t-argument\n",
  });
}

/** Key and secret that were found. */
function keys({ identity, message }: Found): string {
  assert.equal(message, undefined);
  if (identity === undefined || identity === "nobody") return "nobody";
  return [identity.accessKeyId, identity.secretAccessKey, identity.sessionToken ?? "-"].join();
}

Deno.test("findIdentity: without any, nobody; what the URL says comes first", async () => {
  const [none, url, anonymous] = await Promise.all([
    find("s3://host/b", {}),
    find("s3://a:b@host/b", KEYS),
    find("s3://host/b?anonymous=1", KEYS),
  ]);
  assert.equal(keys(none), "nobody");
  assert.equal(keys(url), "a,b,-");
  assert.equal(keys(anonymous), "nobody");
});

Deno.test("findIdentity: environment, then AWS_PROFILE, then the default profile", async () => {
  using folder = new TempFolder();
  const HOME = home(folder);
  const found = await Promise.all([
    find("s3://host/b", { HOME, ...KEYS, AWS_SESSION_TOKEN: "envtoken", AWS_PROFILE: "work" }),
    find("s3://host/b", { HOME, AWS_PROFILE: "work" }),
    find("s3://host/b", { HOME }),
    find("s3://host/b?profile=work", { HOME, ...KEYS }),
    find("s3://host/b?profile=program", { HOME }),
  ]);
  assert.deepEqual(found.map(keys), [
    "envkey,envsecret,envtoken",
    "workkey,worksecret,worktoken",
    "defkey,defsecret,-",
    "workkey,worksecret,worktoken",
    "progkey,progsecret,-",
  ]);
});

Deno.test("findIdentity: a profile that is named must be there", async () => {
  using folder = new TempFolder();
  const HOME = home(folder);
  const [byUrl, byVariable, broken] = await Promise.all([
    find("s3://host/b?profile=missing", { HOME }),
    find("s3://host/b", { AWS_PROFILE: "missing" }),
    find("s3://host/b?profile=broken", { HOME }),
  ]);
  for (const { message, hint } of [byUrl, byVariable]) {
    assert.match(message!, /profile missing has no credentials/);
    assert.match(hint!, /\.aws\/credentials/);
  }
  assert.match(broken.message!, /Cannot .*s3:\/\/host\/b/);
  assert.ok(!JSON.stringify(broken).includes("s3cr3t-argument"), broken.message);
});

Deno.test("findIdentity: a container's address is asked, a machine's only when told", async () => {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url!);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({
      AccessKeyId: "conkey",
      SecretAccessKey: "consecret",
      Token: "contoken",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const container = await find("s3://host/b", {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${address}/container`,
    });
    assert.equal(keys(container), "conkey,consecret,contoken");
    assert.ok(asked.length >= 1 && asked.every((path) => path === "/container"));
    asked.length = 0;
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: address };
    assert.equal(keys(await find("s3://host/b", env)), "nobody");
    assert.deepEqual(asked, []);
    await find("s3://host/b?metadata=1", env);
    assert.ok(asked.length > 0);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
