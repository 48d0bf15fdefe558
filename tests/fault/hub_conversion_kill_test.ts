/**
 * Goal: a conversion outlives its hub. Method: a hub as a process that is killed in the midst of one,
 * and started again; and two hubs on one database, of which one is killed.
 */

import assert from "node:assert/strict";
import { conversionProcesses } from "../helpers/conversion_processes.ts";
import { startMyfs } from "../integration/cli_process.ts";
import { HUB_PASSWORDS } from "../helpers/hub_server.ts";
import { ImageRegistry, makeImage, randomFile } from "../helpers/made_image.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";

/** What only the hub itself has to know. */
const JWT_SECRET = "what only the hub itself has to know";

/** A hub in a process of its own, and somebody who is signed in. */
class HubProcess {
  readonly child: Deno.ChildProcess;
  readonly url: string;
  readonly token: string;

  private constructor(child: Deno.ChildProcess, url: string, token: string) {
    this.child = child;
    this.url = url;
    this.token = token;
  }

  static async start(config: string): Promise<HubProcess> {
    const child = startMyfs(["serve", "--config-path", config], {
      program: "myfs_hub",
      env: { MYFS_HUB_JWT_SECRET: JWT_SECRET },
    });
    await child.stdout.cancel();
    let text = "";
    void (async () => {
      for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) text += piece;
    })();
    await until(() => /http:\/\/127\.0\.0\.1:\d+/.test(text), 60_000);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0];
    const json = { username: "bob", password: HUB_PASSWORDS.bob };
    const { access_token } = await ask(`${url}/api/v1/signin`, json);
    return new HubProcess(child, url, access_token);
  }

  // deno-lint-ignore no-explicit-any -- tests look at fields that they know
  async ask(path: string, json?: unknown): Promise<any> {
    return await ask(`${this.url}${path}`, json, this.token);
  }

  async end(signal: Deno.Signal): Promise<void> {
    this.child.kill(signal);
    await this.child.status;
  }
}

// deno-lint-ignore no-explicit-any -- as above
async function ask(url: string, json?: unknown, token?: string): Promise<any> {
  const response = await fetch(url, {
    method: json === undefined ? "GET" : "POST",
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

/** A folder with a hub's configuration, and a registry that holds back the lowest layer. */
class Place implements AsyncDisposable {
  readonly folder = new TempFolder();
  readonly registry: ImageRegistry;
  readonly config: string;
  isAsked = false;
  readonly #released = Promise.withResolvers<void>();

  constructor() {
    const image = makeImage([randomFile("base", 400_000)], [randomFile("top", 2_000_000)]);
    this.registry = ImageRegistry.start({ "app:v1": image });
    this.registry.intercept = async (path) => {
      if (!path.endsWith(image.layers[0]!)) return undefined;
      this.isAsked = true;
      await this.#released.promise;
      return undefined;
    };
    this.config = this.folder.file("server.toml");
    const hosts = JSON.stringify([this.registry.host]);
    Deno.writeTextFileSync(
      this.config,
      `port = 0
socket_path = ""
data_dir = "${this.folder.file("data")}"
log_format = "json"
conversion_lease_seconds = 3
private_registries = ${hosts}
plain_http_registries = ${hosts}
[[users]]
username = "bob"
password = "${HUB_PASSWORDS.bob}"
`,
    );
  }

  get image(): string {
    return `${this.registry.host}/app:v1`;
  }

  release(): void {
    this.#released.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.registry[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

async function finished(hub: HubProcess, id: string): Promise<{ attempt: number; state: string }> {
  let job = { attempt: 0, state: "" };
  await until(async () => {
    job = await hub.ask(`/api/v1/jobs/${id}`);
    return !["queued", "running"].includes(job.state);
  }, 60_000);
  return job;
}

Deno.test("hub conversion: a hub that was killed in the midst of it does it when it is started again", async () => {
  await using place = new Place();
  const first = await HubProcess.start(place.config);
  const { id } = await first.ask("/api/v1/fl", { image_name: place.image });
  const secret = `s3cret-${crypto.randomUUID()}`;
  const other = { image_name: place.image, name: "other", username: "u", password: secret };
  const denied = await first.ask("/api/v1/fl", other);
  await until(() => place.isAsked, 60_000);
  await until(async () => (await conversionProcesses(place.folder.path)).length === 2, 60_000);
  for (const pid of await conversionProcesses(place.folder.path)) {
    for (const name of ["cmdline", "environ"]) {
      const text = await Deno.readTextFile(`/proc/${pid}/${name}`);
      assert.ok(!text.includes(secret) && !text.includes(JWT_SECRET), name);
    }
  }
  await first.end("SIGKILL");
  // None outlives its hub.
  await until(async () => (await conversionProcesses(place.folder.path)).length === 0, 60_000);
  place.release();
  const second = await HubProcess.start(place.config);
  const job = await finished(second, id);
  assert.deepEqual([job.state, job.attempt], ["finished", 2]);
  const { lines } = await second.ask(`/api/v1/jobs/${id}/log`);
  const texts = lines.map(({ text }: { text: string }) => text).join("\n");
  assert.match(texts, /The hub was ended/);
  const lost = await second.ask(`/api/v1/jobs/${denied.id}`);
  assert.equal(lost.state, "failed");
  assert.match(lost.error.message, /keeps no credentials/);
  const incoming = place.folder.file("data/flists/incoming");
  await until(async () => (await Array.fromAsync(Deno.readDir(incoming))).length === 0);
  await second.end("SIGTERM");
  for (const name of ["hub.sqlite", "hub.sqlite-wal"]) {
    const bytes = await Deno.readFile(place.folder.file(`data/${name}`)).catch(() =>
      new Uint8Array()
    );
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes(secret), name);
  }
});

Deno.test("hub conversion: of two hubs on one database one does it, and the other when that is killed", async () => {
  await using place = new Place();
  const hubs = await Promise.all([HubProcess.start(place.config), HubProcess.start(place.config)]);
  const { id } = await hubs[0]!.ask("/api/v1/fl", { image_name: place.image });
  await until(() => place.isAsked, 60_000);
  const before = await hubs[1]!.ask(`/api/v1/jobs/${id}`);
  assert.deepEqual([before.state, before.attempt], ["running", 1]);
  await hubs[0]!.end("SIGKILL");
  place.release();
  const job = await finished(hubs[1]!, id);
  assert.deepEqual([job.state, job.attempt], ["finished", 2]);
  await hubs[1]!.end("SIGTERM");
});
