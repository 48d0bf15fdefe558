/**
 * Goal: what a hub has acknowledged is there after it was killed, and nothing half is ever served.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { blake3 } from "../../lib/block/digest.ts";
import { startMyfs } from "../integration/cli_process.ts";
import { HUB_PASSWORDS } from "../helpers/hub_server.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

/** How often the hub is killed: `HUB_KILLS=50` for the long form. */
const KILLS = Number(Deno.env.get("HUB_KILLS") ?? 6);

/** Something that was uploaded, and where it is to be found. */
interface Sent {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  acknowledged: boolean;
}

Deno.test("hub: killed during uploads, it has all that it acknowledged, and nothing half", async () => {
  const seed = takeSeed();
  // deno-lint-ignore no-console -- what is random is printed
  console.log(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  using folder = new TempFolder();
  const config = folder.file("server.toml");
  await Deno.writeTextFile(
    config,
    `port = 0
socket_path = ""
data_dir = "${folder.file("data")}"
log_format = "json"
[[users]]
username = "alice"
password = "${HUB_PASSWORDS.alice}"
`,
  );
  const sent: Sent[] = [];
  for (let kill = 0; kill <= KILLS; kill++) {
    const { child, url } = await startHub(config);
    const ended = child.status;
    const json = { username: "alice", password: HUB_PASSWORDS.alice };
    const signedIn = await fetch(`${url}/api/v1/signin`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(json),
    });
    const { access_token: token } = await signedIn.json();
    for (const { path, bytes, acknowledged } of sent) {
      const response = await fetch(`${url}${path}`, { headers: bearer(token) });
      const body = await response.bytes();
      if (acknowledged) assert.equal(response.status, 200, `seed ${seed}: ${path} is gone`);
      if (response.status !== 200) assert.equal(response.status, 404);
      else assert.ok(Buffer.compare(body, bytes) === 0, `seed ${seed}: ${path} is not whole`);
    }
    if (kill < KILLS) {
      const timer = setTimeout(() => child.kill("SIGKILL"), 20 + random.below(400));
      await Promise.all(Array.from({ length: 4 }, () => uploadAll(url, token, random, sent)));
      clearTimeout(timer);
      assert.equal((await ended).signal, "SIGKILL");
    } else {
      child.kill("SIGTERM");
      await ended;
    }
  }
  assert.ok(sent.some(({ acknowledged }) => acknowledged));
});

/** Uploads blocks and files, one after the other, until the hub is gone. */
async function uploadAll(
  url: string,
  token: string,
  random: SeededRandom,
  sent: Sent[],
): Promise<void> {
  for (;;) {
    const bytes = crypto.getRandomValues(new Uint8Array(1 + random.below(60_000)));
    const isFile = random.below(3) === 0;
    const digest = isFile
      ? createHash("sha256").update(bytes).digest("hex")
      : blake3(bytes).toHex();
    const path = `/api/v1/${isFile ? "file" : "block"}/${digest}`;
    const entry: Sent = { path, bytes, acknowledged: false };
    sent.push(entry);
    try {
      const response = await fetch(isFile ? `${url}/api/v1/file` : `${url}${path}`, {
        method: isFile ? "POST" : "PUT",
        headers: bearer(token),
        body: bytes,
      });
      await response.text();
      assert.equal(response.status, 201);
      entry.acknowledged = true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

function bearer(token: string): HeadersInit {
  return { authorization: `Bearer ${token}` };
}

/** Starts a hub as a process and waits until it says where it serves. */
async function startHub(
  config: string,
): Promise<{ readonly child: Deno.ChildProcess; readonly url: string }> {
  const child = startMyfs(["serve", "--config-path", config], { program: "myfs_hub" });
  await child.stdout.cancel();
  const serving = Promise.withResolvers<string>();
  const read = async (): Promise<void> => {
    let text = "";
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
      text = (text + piece).slice(-4096);
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (address !== undefined) serving.resolve(address);
    }
    serving.reject(new Error(`The hub ended: ${text}`));
  };
  read().catch(serving.reject);
  return { child, url: await serving.promise };
}
