/**
 * The program `myfs-hub`, as processes: its users, its configuration, serving and ending; and
 * `deno serve hub/mod.ts`.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { programArgs, type RunResult, Workplace } from "./cli_process.ts";
import { until } from "../helpers/until.ts";

const PASSWORD = "correct horse";

/** Where Deno keeps packages: it looks in the home folder, which is another one here. */
const PACKAGES = Deno.env.get("DENO_DIR") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;

/** A folder with a configuration, and the hub's program in it. */
class HubPlace implements AsyncDisposable {
  readonly place: Workplace;

  private constructor(place: Workplace) {
    this.place = place;
  }

  static async create(settings = ""): Promise<HubPlace> {
    return new HubPlace(
      await Workplace.create((place) =>
        place.write({
          "server.toml": `port = 0\nsocket_path = ""\ndata_dir = "data"\n${settings}\n`,
        })
      ),
    );
  }

  /** The program, not yet ended; it reads `input`. */
  async start(
    args: readonly string[],
    { input, env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {},
  ): Promise<Deno.ChildProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: programArgs(args, "myfs_hub"),
      cwd: this.place.path,
      env: { HOME: this.place.path, XDG_DATA_HOME: "", DENO_DIR: PACKAGES, ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    }
    return child;
  }

  /** Runs the program to its end. */
  async run(
    args: readonly string[],
    options: { readonly input?: string; readonly env?: Record<string, string> } = {},
  ): Promise<RunResult> {
    const { code, stdout, stderr } = await (await this.start(args, options)).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Runs it with the configuration; it has to succeed. */
  async ok(args: readonly string[], input?: string): Promise<string> {
    const options = input === undefined ? {} : { input };
    const { code, stdout, stderr } = await this.run([...args, "-c", "server.toml"], options);
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.place[Symbol.asyncDispose]();
  }
}

/** A program that serves, with what it writes to standard error. */
class Serving {
  text = "";
  readonly child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(child: Deno.ChildProcess) {
    this.child = child;
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const piece of this.child.stderr.pipeThrough(new TextDecoderStream())) {
      this.text += piece;
    }
  }

  /** What it writes that matches, once it does. */
  async saying(pattern: RegExp): Promise<string> {
    await until(() => pattern.test(this.text));
    return pattern.exec(this.text)![0];
  }

  /** Ends it. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    this.child.kill(signal);
    const [status] = await Promise.all([
      this.child.status,
      this.#reading,
      this.child.stdout.cancel(),
    ]);
    return status;
  }
}

async function signIn(url: string, username: string, password: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/signin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test("myfs-hub user: users are made, listed, changed and shut out", async () => {
  await using hub = await HubPlace.create();
  await hub.ok(["user", "add", "alice", "--admin"], `${PASSWORD}\n`);
  await hub.place.write({ "password": "bob's password\nand no more\n" });
  assert.equal(await hub.ok(["user", "add", "bob", "--password-file", "password"]), "");
  assert.equal(await hub.ok(["user", "list"]), "alice\tadmin\nbob\tuser\n");

  const again = await hub.run(["user", "add", "bob", "-c", "server.toml"], {
    input: "long enough",
  });
  assert.equal(again.code, 1);
  assert.equal(again.stderr, "error: Cannot make the user bob: There is a user of that name\n");
  const short = await hub.run(["user", "add", "carol", "-c", "server.toml"], { input: "short\n" });
  assert.equal(short.code, 1);
  assert.match(short.stderr, /^error: Cannot make the user carol: The password is too short/);
  const nothing = await hub.run(["user", "add", "carol", "-c", "server.toml"], { input: "" });
  assert.equal(nothing.code, 2);
  const unknown = await hub.run(["user", "passwd", "eve", "-c", "server.toml"], {
    input: PASSWORD,
  });
  assert.equal(unknown.code, 10);
  const last = await hub.run(["user", "disable", "alice", "-c", "server.toml"]);
  assert.equal(last.code, 1);
  assert.match(last.stderr, /There would be no administrator left/);

  // A hub that serves sees what changes at once.
  const serving = new Serving(await hub.start(["serve", "-c", "server.toml"]));
  const url = await serving.saying(/http:\/\/127\.0\.0\.1:\d+/);
  assert.ok(!serving.text.includes("first administrator"));
  assert.equal(await signIn(url, "bob", "bob's password"), 201);
  await hub.ok(["user", "passwd", "bob"], "another password\n");
  assert.equal(await signIn(url, "bob", "bob's password"), 401);
  assert.equal(await signIn(url, "bob", "another password"), 201);
  await hub.ok(["user", "disable", "bob"]);
  assert.equal(await signIn(url, "bob", "another password"), 401);
  assert.match(await hub.ok(["user", "list"]), /^bob\tuser\tdisabled$/m);
  await hub.ok(["user", "disable", "--undo", "bob"]);
  assert.equal(await signIn(url, "bob", "another password"), 201);
  const quota = ["--bytes-max", "1.5K", "--objects-max", "7"];
  const set = await hub.run(["user", "set", "bob", ...quota, "-c", "server.toml"]);
  assert.deepEqual([set.code, set.stdout], [0, ""]);
  assert.equal(set.stderr, "Changed bob: user, 0 B of 1.50 KiB, 0 objects of 7\n");
  await hub.ok(["user", "set", "bob", "--objects-max", "none", "--quiet"]);
  for (const wrong of [[], ["--role", "king"], ["--bytes-max", "much"]]) {
    assert.equal((await hub.run(["user", "set", "bob", ...wrong, "-c", "server.toml"])).code, 2);
  }
  const { users } = JSON.parse(await hub.ok(["user", "list", "--json"]));
  assert.deepEqual([users[1].bytes_max, users[1].objects_max], [1536, null]);
  assert.deepEqual(users.map(({ name }: { name: string }) => name), ["alice", "bob"]);
  assert.equal((await serving.end()).code, 0);
});

Deno.test("myfs-hub user: many programs at once make one database and one user of a name", async () => {
  await using hub = await HubPlace.create();
  const results = await Promise.all(
    Array.from(
      { length: 4 },
      () => hub.run(["user", "add", "alice", "-c", "server.toml"], { input: PASSWORD }),
    ),
  );
  assert.deepEqual(results.map(({ code }) => code).sort(), [0, 1, 1, 1]);
  for (const { code, stderr } of results) {
    if (code !== 0) assert.match(stderr, /There is a user of that name/);
  }
  assert.equal(await hub.ok(["user", "list"]), "alice\tuser\n");
});

Deno.test("myfs-hub gc: it says what it would remove, and removes that, beside a hub that serves", async () => {
  await using hub = await HubPlace.create('[[users]]\nusername = "alice"\npassword = "password"\n');
  const serving = new Serving(await hub.start(["serve", "-c", "server.toml"]));
  const url = await serving.saying(/http:\/\/127\.0\.0\.1:\d+/);
  const ask = async (method: string, path: string, body: string, token = ""): Promise<string> => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const options = method === "DELETE" ? { method, headers } : { method, headers, body };
    const response = await fetch(`${url}/api/v1/${path}`, options);
    assert.ok(response.ok, String(response.status));
    return await response.text();
  };
  const signedIn = await ask("POST", "signin", '{"username":"alice","password":"password"}');
  const { access_token: token } = JSON.parse(signedIn);
  const { file_hash } = JSON.parse(await ask("POST", "file", "of no use", token));
  await ask("DELETE", `file/${file_hash}`, "", token);

  const gc = async (...args: string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await hub.ok(["gc", "--json", ...args]));
  const nothing = { blocks: 0, block_bytes: 0, flists: 0, uploads: 0, orphans: 0 };
  const waiting = { waiting_blocks: 1, waiting_bytes: 9 };
  assert.deepEqual(await gc(), { dry_run: false, ...nothing, ...waiting });
  const all = { ...nothing, blocks: 1, block_bytes: 9, waiting_blocks: 0, waiting_bytes: 0 };
  assert.deepEqual(await gc("--dry-run", "--grace", "0"), { dry_run: true, ...all });
  const shown = await hub.run(["gc", "--grace", "0", "-c", "server.toml"]);
  assert.deepEqual([shown.code, shown.stdout], [0, ""]);
  assert.equal(shown.stderr, "Removed 1 block (9 B), 0 flists and 0 uploads that expired\n");
  assert.deepEqual((await gc("--orphans"))["blocks"], 0);
  assert.equal((await serving.end()).code, 0);
});

Deno.test("myfs-hub config: each mistake is named with where it stands, and no secret is", async () => {
  await using hub = await HubPlace.create();
  const good = await hub.run(["config", "check", "-c", "server.toml"]);
  assert.deepEqual([good.code, good.stderr], [0, "server.toml is good\n"]);
  const example = await hub.run(["config", "example"]);
  await hub.place.write({ "example.toml": example.stdout });
  assert.equal((await hub.run(["config", "check", "-c", "example.toml"])).code, 0);
  // Every setting of the example is one, with its default.
  const all = example.stdout.replace(/^#(?! )/gm, "");
  await hub.place.write({ "all.toml": all });
  const checked = await hub.run(["config", "check", "-c", "all.toml"]);
  assert.equal(checked.code, 0, checked.stderr);

  const secret = "canary-0123456789";
  const cases: [string, RegExp][] = [
    [`\nport = 70000\n`, /line 2: port: /],
    [`prot = 1\n`, /line 1: unknown setting "prot" \(did you mean port\?\)/],
    [`jwt_secret = "${secret}"\n`, /line 1: jwt_secret: needs at least 32 bytes/],
    [`jwt_secret = "${secret}\n`, /line 1: /],
    [
      `[[users]]\nusername = "a"\n[[users]]\nusername = "b"\npassword = "${secret}"\nrole = "king"\n`,
      /line 6: users\.1\.role: /,
    ],
    [`[[users]]\nusername = "../a"\npassword = "${secret}"\n`, /line 2: users\.0\.username: /],
    [
      "header_timeout_seconds = 20\nrequest_timeout_seconds = 10\n",
      /header_timeout_seconds cannot/,
    ],
    ['tls_cert = "a"\n', /tls_cert and tls_key go together/],
  ];
  for (const [text, problem] of cases) {
    await hub.place.write({ "bad.toml": text });
    const { code, stderr } = await hub.run(["config", "check", "-c", "bad.toml"]);
    assert.equal(code, 2, text);
    assert.match(stderr, problem);
    assert.ok(!stderr.includes(secret), stderr);
  }
  const variables: [Record<string, string>, RegExp][] = [
    [{ MYFS_HUB_PORT: "many" }, /MYFS_HUB_PORT: port: .*number/],
    [{ MYFS_HUB_JWT_SECRET: secret }, /MYFS_HUB_JWT_SECRET: .*at least 32 bytes/],
    [{ MYFS_HUB_JWT_SECRET_FILE: "/nowhere" }, /\/nowhere/],
    [{ MYFS_HUB_PORT: "1", MYFS_HUB_PORT_FILE: "x" }, /both MYFS_HUB_PORT and MYFS_HUB_PORT_FILE/],
    [{ MYFS_HUB_CONFIG_PATH: "/nowhere.toml" }, /\/nowhere\.toml/],
    [{ MYFS_HUB_PROT: secret }, /unknown variable MYFS_HUB_PROT \(did you mean MYFS_HUB_PORT\?\)/],
  ];
  for (const [env, problem] of variables) {
    const { code, stderr } = await hub.run(["config", "check"], { env });
    assert.equal(code, 2, JSON.stringify(env));
    assert.match(stderr, problem);
    assert.ok(!stderr.includes(secret), stderr);
  }
});

Deno.test("myfs-hub serve: by itself it makes an administrator, shown once even where it cannot serve", async () => {
  await using hub = await HubPlace.create();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = { MYFS_HUB_PORT: String(taken.addr.port) };
  const failed = await hub.run(["serve"], { env });
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^error: Cannot listen on 127\.0\.0\.1:\d+: /m);
  const password = /administrator is admin with the password (\S+)/.exec(failed.stderr)?.[1];
  assert.ok(password !== undefined, failed.stderr);

  const serving = new Serving(await hub.start(["serve"], { env: { MYFS_HUB_PORT: "0" } }));
  const url = await serving.saying(/http:\/\/127\.0\.0\.1:\d+/);
  const socket = `${hub.place.path}/hero/var/sockets/myfs/rpc.sock`;
  await until(() => serving.text.includes(socket));
  assert.equal(await signIn(url, "admin", password), 201);
  assert.equal(await signIn(url, "admin", "guessed"), 401);
  assert.equal((await serving.end("SIGINT")).code, 0);
  assert.ok(!serving.text.includes("administrator is"));
  assert.ok(!serving.text.includes(password));
  const { mode } = await Deno.stat(`${hub.place.path}/.local/share/myfs-hub`);
  assert.equal(mode! & 0o077, 0);
});

Deno.test("myfs-hub serve: users of the configuration follow it, and only where it changes", async () => {
  const users = (password: string, role: string): string =>
    `[[users]]\nusername = "alice"\npassword = "${password}"\nrole = "${role}"\n`;
  await using hub = await HubPlace.create(users("the first one", "user"));
  const inHub = async (work: (url: string) => Promise<void>): Promise<void> => {
    const serving = new Serving(await hub.start(["serve", "-c", "server.toml"]));
    try {
      await work(await serving.saying(/http:\/\/127\.0\.0\.1:\d+/));
    } finally {
      await serving.end();
    }
  };
  const write = async (text: string): Promise<void> => {
    await hub.place.write({
      "server.toml": `port = 0\nsocket_path = ""\ndata_dir = "data"\n${text}`,
    });
  };
  await inHub(async (url) => assert.equal(await signIn(url, "alice", "the first one"), 201));
  await hub.ok(["user", "passwd", "alice"], "changed by hand\n");
  await inHub(async (url) => assert.equal(await signIn(url, "alice", "changed by hand"), 201));
  assert.equal(await hub.ok(["user", "list"]), "alice\tuser\n");
  await write(users("the first one", "admin"));
  await inHub(async (url) => assert.equal(await signIn(url, "alice", "changed by hand"), 201));
  assert.equal(await hub.ok(["user", "list"]), "alice\tadmin\n");
  await write(users("the second one", "admin"));
  await inHub(async (url) => {
    assert.equal(await signIn(url, "alice", "changed by hand"), 401);
    assert.equal(await signIn(url, "alice", "the second one"), 201);
  });
});

Deno.test("myfs-hub serve: it serves on where nobody reads its log", async () => {
  await using hub = await HubPlace.create('[[users]]\nusername = "alice"\npassword = "password"\n');
  const child = await hub.start(["serve", "-c", "server.toml"]);
  const reader = child.stderr.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let url: string | undefined;
  while ((url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0]) === undefined) {
    const { value, done } = await reader.read();
    assert.ok(!done, text);
    text += decoder.decode(value);
  }
  await reader.cancel();
  for (let count = 0; count < 3; count++) assert.equal(await signIn(url, "alice", "password"), 201);
  child.kill("SIGTERM");
  const [{ code }] = await Promise.all([child.status, child.stdout.cancel()]);
  assert.equal(code, 0);
});

Deno.test("deno serve hub/mod.ts serves, and ends where its configuration is bad", async () => {
  await using hub = await HubPlace.create();
  const start = (path: string): Deno.ChildProcess =>
    new Deno.Command(Deno.execPath(), {
      args: ["serve", "-A", "--port", "0", "--host", "127.0.0.1", "hub/mod.ts"],
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { MYFS_HUB_CONFIG_PATH: path, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const serving = new Serving(start(`${hub.place.path}/server.toml`));
  const url = await serving.saying(/http:\/\/127\.0\.0\.1:\d+/);
  const password = (await serving.saying(/admin with the password \S+/)).split(" ").at(-1)!;
  assert.equal(await signIn(url, "admin", password), 201);
  const health = await fetch(`${url}/ready`);
  assert.deepEqual(await health.json(), {
    status: "ready",
    checks: { database: "ok", store: "ok" },
  });
  await serving.end();

  const bad = await start(`${hub.place.path}/missing.toml`).output();
  assert.equal(bad.code, 1);
  assert.match(new TextDecoder().decode(bad.stderr), /error: Cannot use .*missing\.toml/);
});
