/**
 * Goal: a hub turns images of registries into flists of whoever asks, tells them how far it is, and
 * reads from no registry that it may not. Method: a hub in this process, whose conversions are processes
 * of their own; a registry in this process that holds back what the test wants to be held back, and
 * Debian's docker-registry.
 */

import assert from "node:assert/strict";
import { convertImage, openImage } from "myfs";
import { conversionProcesses } from "../helpers/conversion_processes.ts";
import { DockerRegistry } from "../helpers/docker_registry.ts";
import { HubServer } from "../helpers/hub_server.ts";
import { ImageRegistry, makeImage, pushImage, randomFile } from "../helpers/made_image.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";

/** Settings of a hub that may read from registries of the test. */
function settingsFor(...hosts: readonly string[]): string {
  const list = JSON.stringify(hosts);
  return `private_registries = ${list}\nplain_http_registries = ${list}\nconversion_lease_seconds = 2`;
}

/** The ends of a job. */
const ENDS = ["finished", "failed", "canceled"];

/** Waits until a job is in one of those states, by default until it has ended, and gives it. */
async function waitFor(
  hub: HubServer,
  token: string,
  id: string,
  states: readonly string[] = ENDS,
  // deno-lint-ignore no-explicit-any -- tests look at fields that they know
): Promise<any> {
  let job: { readonly state: string } | undefined;
  await until(async () => {
    job = await hub.ask(200, "GET", `/api/v1/jobs/${id}`, { token });
    return states.includes(job!.state);
  }, 60_000);
  return job;
}

/** Starts a conversion and gives the job's id. */
async function start(
  hub: HubServer,
  token: string,
  json: Record<string, unknown>,
): Promise<string> {
  return (await hub.ask(201, "POST", "/api/v1/fl", { token, json })).id;
}

/** Waits as rfs's client does: asks until it is created, or the status says that it failed. */
async function pollAsRfs(hub: HubServer, token: string, id: string): Promise<string[]> {
  const states: string[] = [];
  for (const endMs = performance.now() + 60_000; performance.now() < endMs;) {
    const response = await hub.send("GET", `/api/v1/fl/${id}`, { token });
    const { flist_state } = await response.json();
    if (response.status !== 200) return [...states, `${response.status}`];
    const [state] = Object.keys(flist_state);
    if (states.at(-1) !== state) states.push(state!);
    if (state === "Created") return states;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return states;
}

/** A registry that holds back the lowest layer of an image until the test lets it go. */
function heldImage(registry: ImageRegistry, name: string, size = 300_000): {
  readonly isAsked: () => Promise<void>;
  readonly release: () => void;
} {
  const image = makeImage([randomFile("base/data", size)], [randomFile("top/data", size)]);
  registry.images.set(name, image);
  let asked = false;
  const released = Promise.withResolvers<void>();
  const before = registry.intercept;
  registry.intercept = async (path) => {
    if (!path.endsWith(image.layers[0]!)) return await before(path);
    asked = true;
    await released.promise;
    return undefined;
  };
  return { isAsked: () => until(() => asked, 60_000), release: () => released.resolve() };
}

Deno.test("hub conversion: an image becomes a flist of who asked, byte for byte that of a conversion here", async () => {
  using folder = new TempFolder();
  const big = randomFile("usr/big", 3_000_000);
  const image = makeImage(
    [big, { name: "etc/motd", content: "one" }, { name: "etc/gone", content: "x" }],
    [{ name: "etc/motd", content: "two" }, { name: "etc/.wh.gone" }],
  );
  await using registry = ImageRegistry.start({ "team/app:v1": image });
  await using hub = await HubServer.start(settingsFor(registry.host));
  const { access_token: token } = await hub.signIn("bob");
  const image_name = `${registry.host}/team/app:v1`;
  // As rfs's client sends it.
  const nothing = { username: null, password: null, auth: null, email: null, server_address: null };
  const id = await start(hub, token, {
    image_name,
    ...nothing,
    identity_token: null,
    registry_token: null,
  });
  const states = await pollAsRfs(hub, token, id);
  assert.equal(states.at(-1), "Created");
  assert.ok(
    states.every((state) => ["Accepted", "Started", "InProgress", "Created"].includes(state)),
  );
  // Again and again, not only once as with rfs.
  assert.deepEqual(await pollAsRfs(hub, token, id), ["Created"]);
  const job = await hub.ask(200, "GET", `/api/v1/jobs/${id}`, { token });
  assert.equal(job.progress.percent, 100);
  const name = registry.host.replace(":", "-") + "-team-app";
  const path = `/api/v1/flists/bob/${name}/v1`;
  const flist = await (await hub.send("GET", path, { token })).bytes();
  assert.equal((await hub.send("HEAD", path, { token })).headers.get("etag"), `"${job.digest}"`);
  // rfs's clients find it under the name that rfs gives it.
  const file = `${image_name.replaceAll(/[:/]/g, "-")}.fl`;
  assert.deepEqual(await (await hub.send("GET", `/flists/bob/${file}`, { token })).bytes(), flist);
  await hub.ask(404, "GET", path);

  // Where its blocks are is all that it says otherwise.
  const meta = folder.file("here.fl");
  const { images } = await convertImage(image_name, {
    meta,
    store: `dir://${folder.file("blocks")}`,
    plainHttp: true,
  });
  const inspected = await hub.ask(200, "GET", `${path}/inspect`, { token });
  assert.deepEqual(inspected.routes, [{ start: 0, end: 255, url: hub.hubUrl }]);
  assert.equal(inspected.tags["oci.manifest"], images[0]!.manifestDigest);
  await using here = await openImage(meta);
  const fetched = folder.file("fetched.fl");
  await Deno.writeFile(fetched, flist);
  await using there = await openImage(fetched, { trustRoutes: true });
  for (const path of ["usr/big", "etc/motd", ".startup.toml"]) {
    assert.deepEqual(await there.readFile(path), await here.readFile(path), path);
  }
  assert.deepEqual(await there.readFile("usr/big"), big.content);

  // Once more, it is the same flist, and nothing is stored twice.
  const usage = () => hub.serving.hub.content.usageOf("bob");
  const before = await usage();
  const again = await start(hub, token, { image_name, replace: true });
  assert.equal((await waitFor(hub, token, again)).digest, job.digest);
  assert.deepEqual(await usage(), before);
  assert.equal(
    (await hub.ask(409, "POST", "/api/v1/fl", { token, json: { image_name } })).code,
    "conflict",
  );
  // With the flist, its blocks are given up.
  assert.ok(before.bytes > 3_000_000);
  const removed = await hub.send("DELETE", path, { token });
  assert.equal(removed.status, 204);
  await until(async () => (await usage()).objects === 0);
  assert.deepEqual(await usage(), { bytes: 0, objects: 0 });
});

for (const dedup of ["users", "user"]) {
  Deno.test(`hub conversion: what two users made of one image is each one's own (dedup = ${dedup})`, async () => {
    const data = randomFile("etc/data", 400_000);
    await using registry = ImageRegistry.start({ "app:v1": makeImage([data]) });
    await using hub = await HubServer.start(`dedup = "${dedup}"\n${settingsFor(registry.host)}`);
    const { access_token: alice } = await hub.signIn("alice");
    const { access_token: bob } = await hub.signIn("bob");
    const json = { image_name: `${registry.host}/app:v1`, name: "app", profile: "rfs" };
    const [one, other] = await Promise.all([start(hub, alice, json), start(hub, bob, json)]);
    const { digest } = await waitFor(hub, alice, one);
    assert.equal((await waitFor(hub, bob, other)).digest, digest);
    const { content } = hub.serving.hub;
    const usage = await content.usageOf("bob");
    assert.ok(usage.bytes > 400_000);
    assert.deepEqual(await content.usageOf("alice"), usage);
    await (await hub.send("DELETE", "/api/v1/flists/alice/app/v1", { token: alice })).text();
    // What the job itself holds is given up a moment after it has finished.
    await until(async () => (await content.usageOf("alice")).objects === 0);
    assert.deepEqual(await content.usageOf("alice"), { bytes: 0, objects: 0 });
    await content.collectGarbage({ graceMs: -1000, historyMs: -1000 });
    // As rfs's programs read it.
    const inspected = await hub.ask(200, "GET", "/api/v1/flists/bob/app/v1/inspect", {
      token: bob,
    });
    assert.equal(inspected.profile, "rfs");
    assert.deepEqual(inspected.routes, [{ start: 0, end: 255, url: `server://${hub.url}` }]);
    using folder = new TempFolder();
    const flist = await hub.send("GET", `/flists/bob/app-v1.fl`, { token: bob });
    await Deno.writeFile(folder.file("app.fl"), await flist.bytes());
    const store = `server://${hub.url}?token=${bob}`;
    await using image = await openImage(folder.file("app.fl"), { store });
    assert.deepEqual(await image.readFile("etc/data"), data.content);
  });
}

Deno.test("hub conversion: events come as they happen, and go on after the one that was last seen", async () => {
  await using registry = ImageRegistry.start();
  const held = heldImage(registry, "app:v1");
  await using hub = await HubServer.start(settingsFor(registry.host));
  const { access_token: token } = await hub.signIn("bob");
  const id = await start(hub, token, { image_name: `${registry.host}/app:v1` });
  await held.isAsked();
  const first = await hub.send("GET", `/api/v1/jobs/${id}/events`, { token });
  assert.equal(first.headers.get("content-type"), "text/event-stream");
  let text = "";
  for await (const piece of first.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes(": 1 entries")) break;
  }
  const numbers = (stream: string): number[] =>
    Array.from(stream.matchAll(/^id: (\d+)$/gm), ([, number]) => Number(number));
  assert.match(text, /^retry: 1000\n\nid: 1\nevent: state\ndata: \{.*"state":"queued"/);
  const last = numbers(text).at(-1)!;
  held.release();
  const headers = { "last-event-id": String(last) };
  const second = await (await hub.send("GET", `/api/v1/jobs/${id}/events`, { token, headers }))
    .text();
  assert.ok(numbers(second)[0]! > last);
  assert.match(second, /event: state\ndata: \{[^\n]*"state":"finished"[^\n]*\n\n$/);
  for (const seen of [numbers(text), numbers(second)]) {
    assert.deepEqual(seen, seen.toSorted((left, right) => left - right));
    assert.equal(new Set(seen).size, seen.length);
  }
  // Who has seen all is told that there is nothing more.
  const end = { "last-event-id": String(numbers(second).at(-1)) };
  const third = await hub.send("GET", `/api/v1/jobs/${id}/events`, { token, headers: end });
  assert.equal(third.status, 204);
  const { lines } = await hub.ask(200, "GET", `/api/v1/jobs/${id}/log`, { token });
  assert.match(lines[0].text, /^Attempt 1: asks for /);
  const rest = await hub.ask(200, "GET", `/api/v1/jobs/${id}/log?after=${lines[0].number}`, {
    token,
  });
  assert.deepEqual(rest.lines, lines.slice(1));
});

Deno.test("hub conversion: a job that is canceled leaves nothing behind, and can be started again", async () => {
  await using registry = ImageRegistry.start();
  const held = heldImage(registry, "app:v1", 2_000_000);
  await using hub = await HubServer.start(settingsFor(registry.host));
  const { access_token: token } = await hub.signIn("bob");
  const id = await start(hub, token, { image_name: `${registry.host}/app:v1` });
  await held.isAsked();
  const usage = () => hub.serving.hub.content.usageOf("bob");
  await until(async () => (await usage()).bytes > 1_000_000);
  const canceled = await hub.ask(200, "POST", `/api/v1/jobs/${id}/cancel`, { token });
  assert.equal(canceled.state, "canceled");
  assert.deepEqual(await usage(), { bytes: 0, objects: 0 });
  const problem = await hub.ask(500, "GET", `/api/v1/fl/${id}`, { token });
  assert.equal(problem.code, "job_failed");
  held.release();
  await until(() => hub.log.some((line) => line.includes('"job ended"')));
  const incoming = await Array.fromAsync(Deno.readDir(hub.folder.file("data/flists/incoming")));
  assert.deepEqual(incoming, []);
  assert.deepEqual(await usage(), { bytes: 0, objects: 0 });
  const { deleted, blocks } = await collect(hub);
  assert.equal(deleted, blocks);
  assert.equal(
    (await hub.ask(200, "POST", `/api/v1/jobs/${id}/retry`, { token, json: {} })).state,
    "queued",
  );
  const again = await waitFor(hub, token, id);
  assert.equal(again.state, "finished");
  assert.equal(again.attempt, 2);
  await hub.ask(409, "POST", `/api/v1/jobs/${id}/retry`, { token, json: {} });
});

/** Collects garbage at once; how many blocks the store had, and how many are gone. */
async function collect(hub: HubServer): Promise<{ deleted: number; blocks: number }> {
  const { store, content } = hub.serving.hub;
  const blocks = (await Array.fromAsync(store.list!())).length;
  await content.collectGarbage({ graceMs: -1000, orphans: true });
  await content.collectGarbage({ graceMs: -1000 });
  const left = (await Array.fromAsync(store.list!())).length;
  return { blocks, deleted: blocks - left };
}

Deno.test("hub conversion: only its owner and administrators see a job, and so many run at a time", async () => {
  await using registry = ImageRegistry.start();
  const held = ["a", "b", "c"].map((name) => heldImage(registry, `${name}:v1`));
  await using hub = await HubServer.start(
    `${settingsFor(registry.host)}\nconversions_max = 1\nconversions_queued_max = 2`,
  );
  const { access_token: bob } = await hub.signIn("bob");
  const { access_token: alice } = await hub.signIn("alice");
  const image = (name: string) => ({ image_name: `${registry.host}/${name}:v1` });
  const first = await start(hub, bob, image("a"));
  const second = await start(hub, bob, image("b"));
  const tooMany = await hub.ask(429, "POST", "/api/v1/fl", { token: bob, json: image("c") });
  assert.match(tooMany.detail, /2 of yours/);
  const others = await start(hub, alice, image("c"));
  await held[0]!.isAsked();
  for (
    const [method, path] of [
      ["GET", `/api/v1/jobs/${others}`],
      ["GET", `/api/v1/jobs/${others}/log`],
      ["GET", `/api/v1/jobs/${others}/events`],
      ["GET", `/api/v1/fl/${others}`],
      ["POST", `/api/v1/jobs/${others}/cancel`],
      ["POST", `/api/v1/jobs/${others}/retry`],
    ] as const
  ) {
    const json = path.endsWith("retry") ? { json: {} } : {};
    await hub.ask(404, method, path, { token: bob, ...json });
    await hub.ask(401, method, path, json);
  }
  await hub.ask(403, "GET", "/api/v1/jobs?user=alice", { token: bob });
  const own = await hub.ask(200, "GET", "/api/v1/jobs?per_page=1", { token: bob });
  assert.deepEqual([own.total, own.jobs.length, own.jobs[0].id], [2, 1, second]);
  const all = await hub.ask(200, "GET", "/api/v1/jobs?user=*", { token: alice });
  assert.equal(all.total, 3);
  assert.equal((await hub.ask(200, "GET", `/api/v1/jobs/${first}`, { token: alice })).user, "bob");
  const running = await hub.ask(200, "GET", "/api/v1/jobs?user=*&state=running", { token: alice });
  assert.deepEqual(running.jobs.map(({ id }: { id: string }) => id), [first]);
  const metrics = await (await hub.send("GET", "/metrics")).text();
  assert.match(metrics, /^myfs_hub_jobs\{state="running"\} 1$/m);
  assert.match(metrics, /^myfs_hub_jobs\{state="queued"\} 2$/m);
  // Who has none running comes first.
  held[0]!.release();
  await held[2]!.isAsked();
  assert.equal((await waitFor(hub, bob, first)).state, "finished");
  assert.equal(
    (await hub.ask(200, "GET", `/api/v1/jobs/${second}`, { token: bob })).state,
    "queued",
  );
  for (const { release } of held) release();
  assert.equal((await waitFor(hub, bob, second)).state, "finished");
  assert.equal((await waitFor(hub, alice, others)).state, "finished");
});

Deno.test("hub conversion: without a word in its configuration, a hub reads from no private address", async () => {
  await using registry = ImageRegistry.start({ "app:v1": makeImage([]) });
  await using hub = await HubServer.start(`registries = ["127.*", "localhost*", "[*", "10.0.0.1"]`);
  const { access_token: token } = await hub.signIn("bob");
  const [, port] = registry.host.split(":");
  const names = [registry.host, `localhost:${port}`, `[::1]:${port}`, `[::ffff:7f00:1]:${port}`];
  for (const [at, host] of names.entries()) {
    const id = await start(hub, token, { image_name: `${host}/app:v1`, name: `x${at}` });
    const job = await waitFor(hub, token, id);
    assert.equal(job.error?.code, "registry_denied", host);
    assert.match(job.error.message, /on this machine or its private network/);
  }
  assert.deepEqual(registry.asked, []);
  const forbidden = await hub.ask(403, "POST", "/api/v1/fl", {
    token,
    json: { image_name: "quay.io/team/app" },
  });
  assert.equal(forbidden.code, "registry_forbidden");
  await using none = await HubServer.start("conversions_max = 0");
  const { access_token } = await none.signIn("bob");
  const refused = { token: access_token, json: { image_name: "nginx" } };
  const { title } = await none.ask(403, "POST", "/api/v1/fl", refused);
  assert.equal(title, "This hub converts no images");
  for (const image_name of ["oci:/etc:x", "docker-archive:/etc/passwd", "docker-daemon:app:1"]) {
    const json = { image_name };
    assert.equal((await hub.ask(422, "POST", "/api/v1/fl", { token, json })).code, "image_invalid");
  }
});

Deno.test("hub conversion: what is wrong with an image is the reason that its owner is told", async () => {
  const good = makeImage([randomFile("data", 200_000)]);
  await using registry = ImageRegistry.start({
    "bad:v1": good,
    "big:v1": makeImage([randomFile("x", 900_000)]),
  });
  registry.intercept = (path) => {
    if (path.startsWith("/v2/bad/blobs") && path.endsWith(good.layers[0]!)) {
      return new Response(new Uint8Array(good.blobs.get(good.layers[0]!)!.length));
    }
  };
  await using hub = await HubServer.start(
    `${settingsFor(registry.host)}\nconversion_bytes_max = 500000`,
  );
  const { access_token: token } = await hub.signIn("bob");
  const cases: [image: string, code: string, message: RegExp][] = [
    ["bad:v1", "image_format", /sha256/],
    ["none:v1", "image_not_found", /does not have it/],
    ["big:v1", "limit_exceeded", /500000/],
  ];
  for (const [image, code, message] of cases) {
    const id = await start(hub, token, { image_name: `${registry.host}/${image}` });
    const job = await waitFor(hub, token, id);
    assert.deepEqual([job.state, job.error.code], ["failed", code], image);
    assert.match(job.error.message, message);
    assert.ok(!job.error.message.includes(hub.folder.path));
    const problem = await hub.ask(500, "GET", `/api/v1/fl/${id}`, { token });
    assert.equal(problem.detail, job.error.message);
    const { lines } = await hub.ask(200, "GET", `/api/v1/jobs/${id}/log`, { token });
    assert.equal(lines.at(-1).text, `Failed: ${job.error.message}`);
  }
  // It is given up in a transaction after the one that ends the job.
  await until(async () => (await hub.serving.hub.content.usageOf("bob")).objects === 0);
});

Deno.test("hub conversion: a quota without room ends the job, and what it stored is given up", async () => {
  await using registry = ImageRegistry.start({
    "app:v1": makeImage([randomFile("data", 2_000_000)]),
  });
  await using hub = await HubServer.start(settingsFor(registry.host));
  const { access_token: alice } = await hub.signIn("alice");
  const { access_token: token } = await hub.signIn("bob");
  const json = { bytes_max: 1_500_000 };
  await hub.ask(200, "PATCH", "/api/v1/users/bob", { token: alice, json });
  const id = await start(hub, token, { image_name: `${registry.host}/app:v1` });
  const job = await waitFor(hub, token, id);
  assert.equal(job.error?.code, "quota_exceeded");
  // It is given up in a transaction after the one that ends the job.
  await until(async () => (await hub.serving.hub.content.usageOf("bob")).objects === 0);
  await hub.ask(200, "PATCH", "/api/v1/users/bob", { token: alice, json: { bytes_max: null } });
  await hub.ask(200, "POST", `/api/v1/jobs/${id}/retry`, { token, json: {} });
  assert.equal((await waitFor(hub, token, id)).state, "finished");
});

Deno.test("hub conversion: one that takes too long is ended", async () => {
  await using registry = ImageRegistry.start();
  const held = heldImage(registry, "app:v1");
  await using hub = await HubServer.start(
    `${settingsFor(registry.host)}\nconversion_seconds_max = 1.5`,
  );
  const { access_token: token } = await hub.signIn("bob");
  const id = await start(hub, token, { image_name: `${registry.host}/app:v1` });
  const job = await waitFor(hub, token, id);
  assert.deepEqual(job.error, { code: "time_limit", message: "It took longer than 1.5 s" });
  held.release();
});

Deno.test("hub conversion: a process that dies fails its job, and the hub goes on", async () => {
  await using registry = ImageRegistry.start();
  const held = heldImage(registry, "app:v1", 2_000_000);
  await using hub = await HubServer.start(settingsFor(registry.host));
  const { access_token: token } = await hub.signIn("bob");
  const id = await start(hub, token, { image_name: `${registry.host}/app:v1` });
  await held.isAsked();
  const usage = () => hub.serving.hub.content.usageOf("bob");
  await until(async () => (await usage()).bytes > 1_000_000);
  const [pid] = await conversionProcesses(hub.folder.path);
  Deno.kill(pid!, "SIGKILL");
  const job = await waitFor(hub, token, id);
  assert.deepEqual([job.state, job.error.code], ["failed", "internal"]);
  await until(async () => (await usage()).objects === 0);
  const incoming = hub.folder.file("data/flists/incoming");
  await until(async () => (await Array.fromAsync(Deno.readDir(incoming))).length === 0);
  held.release();
  await hub.ask(200, "POST", `/api/v1/jobs/${id}/retry`, { token, json: {} });
  assert.equal((await waitFor(hub, token, id)).state, "finished");
});

Deno.test("hub conversion: a hub that ends stops what runs, and the next one does it", async () => {
  await using registry = ImageRegistry.start();
  const held = heldImage(registry, "app:v1");
  const settings = settingsFor(registry.host);
  using data = new TempFolder();
  const where = `data_dir = "${data.path}"\n${settings}`;
  let id: string;
  {
    await using hub = await HubServer.start(where);
    const { access_token: token } = await hub.signIn("bob");
    id = await start(hub, token, { image_name: `${registry.host}/app:v1` });
    await held.isAsked();
  }
  held.release();
  await using hub = await HubServer.start(where);
  const { access_token: token } = await hub.signIn("bob");
  const job = await waitFor(hub, token, id);
  assert.equal(job.state, "finished");
  assert.equal(job.attempt, 2);
});

requiringTest(
  ["docker-registry", "htpasswd"],
  "hub conversion: a registry's password is shown to it, and written nowhere",
  async () => {
    using folder = new TempFolder();
    const secret = `s3cret-${crypto.randomUUID()}`;
    const access = { kind: "password", username: "reader", password: secret } as const;
    await using registry = await DockerRegistry.start(folder.path, access);
    const pair = btoa(`reader:${secret}`);
    const image = makeImage([randomFile("data", 100_000)]);
    await pushImage(registry.host, "team/app", "v1", image, `Basic ${pair}`);
    await using hub = await HubServer.start(settingsFor(registry.host));
    const { access_token: token } = await hub.signIn("bob");
    const image_name = `${registry.host}/team/app:v1`;
    const answers: string[] = [];
    const anonymous = await start(hub, token, { image_name, name: "denied" });
    assert.equal((await waitFor(hub, token, anonymous)).error.code, "registry_denied");
    const wrong = await start(hub, token, {
      image_name,
      username: "reader",
      password: `${secret}x`,
    });
    assert.equal((await waitFor(hub, token, wrong)).error.code, "registry_denied");
    const retry = `/api/v1/jobs/${wrong}/retry`;
    const lacking = await hub.ask(422, "POST", retry, { token, json: {} });
    assert.equal(lacking.code, "credentials_missing");
    await hub.ask(200, "POST", retry, {
      token,
      json: { auth: pair, server_address: registry.host },
    });
    assert.equal((await waitFor(hub, token, wrong)).state, "finished");
    const other = { image_name, name: "other", auth: pair, server_address: "quay.io" };
    answers.push(JSON.stringify(await hub.ask(422, "POST", "/api/v1/fl", { token, json: other })));
    for (const path of ["", "/log", "/events"]) {
      const answer = await hub.send("GET", `/api/v1/jobs/${wrong}${path}`, { token });
      answers.push(await answer.text());
    }
    answers.push(await (await hub.send("GET", "/metrics")).text(), hub.log.join("\n"));
    answers.push(JSON.stringify(await hub.ask(200, "GET", "/api/v1/jobs", { token })));
    for (const text of answers) {
      assert.ok(!text.includes(secret) && !text.includes(pair), text);
    }
    for await (const { name, isFile } of walk(hub.folder.file("data"))) {
      if (!isFile || name.includes("/blocks/")) continue;
      const bytes = new TextDecoder("latin1").decode(await Deno.readFile(name));
      assert.ok(!bytes.includes(secret) && !bytes.includes(pair), name);
    }
  },
);

async function* walk(folder: string): AsyncGenerator<{ name: string; isFile: boolean }> {
  for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* walk(path);
    else yield { name: path, isFile };
  }
}
