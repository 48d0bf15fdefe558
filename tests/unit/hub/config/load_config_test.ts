/** Goal: one configuration from a file and the environment, whole and with absolute paths, or none. */

import assert from "node:assert/strict";
import { ConfigError, type HubConfig, loadConfig } from "../../../../hub/config/load_config.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

type Environment = Readonly<Record<string, string>>;

async function load(text: string | undefined, environment: Environment = {}): Promise<HubConfig> {
  const read = (name: string): string | undefined => environment[name];
  if (text === undefined) return await loadConfig({ read });
  using folder = new TempFolder();
  const path = folder.file("server.toml");
  await Deno.writeTextFile(path, text);
  return await loadConfig({ path, read });
}

async function problemsOf(
  text: string | undefined,
  environment: Environment = {},
): Promise<string> {
  const error = await load(text, environment).then(
    () => assert.fail("it was taken"),
    (error) => error,
  );
  assert.ok(error instanceof ConfigError, `${error}`);
  return error.problems.join("\n");
}

Deno.test("config: without a file, everything lies in the user's folder and only this machine reaches it", async () => {
  const config = await load(undefined, { HOME: "/home/me" });
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.port, 3000);
  assert.equal(config.data_dir, "/home/me/.local/share/myfs-hub");
  assert.equal(config.sqlite_path, "/home/me/.local/share/myfs-hub/hub.sqlite");
  assert.deepEqual(config.store_url, ["dir:///home/me/.local/share/myfs-hub/storage/blocks"]);
  assert.equal(config.socket_path, "/home/me/hero/var/sockets/myfs/rpc.sock");
  assert.equal(config.socketIsAsked, false);
  assert.equal(config.path, undefined);
  const shared = await load(undefined, { HOME: "/home/me", XDG_DATA_HOME: "/data" });
  assert.equal(shared.data_dir, "/data/myfs-hub");
  assert.match(await problemsOf(undefined), /neither data_dir nor HOME/);
});

Deno.test("config: a configuration of rfs is taken as it is", async () => {
  const config = await load(
    `
host = "0.0.0.0"
port = 8080
store_url = ["dir:///var/blocks"]
flist_dir = "flists"
sqlite_path = "fl.db"
storage_dir = "storage"
block_size = 1048576
jwt_secret = "${"s".repeat(32)}"
jwt_expire_hours = 5

[[users]]
username = "admin"
password = "password"
`,
    { HOME: "/home/me" },
  );
  const folder = config.path!.slice(0, config.path!.lastIndexOf("/"));
  assert.equal(config.flist_dir, `${folder}/flists`);
  assert.equal(config.sqlite_path, `${folder}/fl.db`);
  assert.deepEqual(config.users, [{ username: "admin", password: "password", role: "user" }]);
});

Deno.test("config: the environment goes before the file, as values or as files that it names", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("secret"), `${"f".repeat(40)}\r\n`);
  const config = await load('port = 1\nhost = "h"\ndata_dir = "/d"\n', {
    MYFS_HUB_PORT: "2",
    MYFS_HUB_JWT_SECRET_FILE: folder.file("secret"),
    MYFS_HUB_STORE_URL: "00-7f=dir:///a, 80-ff=dir:///b",
    MYFS_HUB_TRUSTED_PROXIES: '["::1", "unix"]',
    MYFS_HUB_LOG_REQUESTS: "false",
    MYFS_HUB_DEDUP: "user",
    MYFS_HUB_SOCKET_PATH: "",
    MYFS_HUB_USERS: '[{ username = "a", password = "b", role = "admin" }]',
  });
  assert.equal(config.port, 2);
  assert.equal(config.host, "h");
  assert.equal(config.jwt_secret, "f".repeat(40));
  assert.deepEqual(config.store_url, ["00-7f=dir:///a", "80-ff=dir:///b"]);
  assert.deepEqual(config.trusted_proxies, ["::1", "unix"]);
  assert.equal(config.log_requests, false);
  assert.equal(config.dedup, "user");
  assert.equal(config.socket_path, "");
  assert.equal(config.users[0]?.role, "admin");
});

Deno.test("config: a text that looks like a number stays text where text is wanted", async () => {
  const secret = "12345678901234567890123456789012";
  const { jwt_secret } = await load('data_dir = "/d"', { MYFS_HUB_JWT_SECRET: secret });
  assert.equal(jwt_secret, secret);
});

Deno.test("config: all mistakes are told at once, with lines and variables, and without values", async () => {
  const secret = "canary-0123456789";
  const text = `prot = 1\nblock_size = 3\njwt_secret = "${secret}"\n[[users]]\nname = "a"\n`;
  const problems = await problemsOf(text, { MYFS_HUB_DEDUP: secret });
  for (
    const part of [
      /^line 1: unknown setting "prot" \(did you mean port\?\)$/m,
      /^line 2: block_size: /m,
      /^line 3: jwt_secret: needs at least 32 bytes/m,
      /^line 4: users\.0\.username: /m,
      /^line 5: unknown setting "name"$/m,
      /^MYFS_HUB_DEDUP: dedup: .*"users"\|"user"/m,
    ]
  ) assert.match(problems, part);
  assert.ok(!problems.includes(secret), problems);
  for (const broken of [`a = "${secret}\n`, `jwt_secret = ${secret}\n`, "port = 1\nport = 2\n"]) {
    const problem = await problemsOf(broken);
    assert.match(problem, /^line \d: /);
    assert.ok(!problem.includes(secret), problem);
  }
  assert.match(await problemsOf(undefined, { MYFS_HUB_CONFIG_PATH: "/nowhere" }), /No such file/);
});

Deno.test("config: places and addresses that cannot be are told, without their secrets", async () => {
  const secret = "canary-0123456789";
  const text = 'data_dir = "/d"\ntrusted_proxies = ["127.0.0.1", "::1", "unix", "10.0.0.0/8"]\n' +
    `store_url = ["dir:///a", "80-7f=dir:///b", "s3://key:${secret}@host:999999/b", "b"]\n`;
  const problems = await problemsOf(text);
  assert.match(problems, /^line 2: trusted_proxies\.3: .*ranges are not known$/m);
  assert.match(problems, /^line 3: store_url\.1: .*the range ends before it starts$/m);
  assert.match(problems, /^line 3: store_url\.2: .*not a valid URL$/m);
  assert.match(problems, /^line 3: store_url\.3: .*not a URL/m);
  assert.ok(!/store_url\.0|trusted_proxies\.[012]/.test(problems), problems);
  assert.ok(!problems.includes(secret), problems);
});

Deno.test("config: settings that do not go together are refused", async () => {
  assert.match(await problemsOf('data_dir = "/d"\ntls_key = "k"\n'), /tls_cert and tls_key/);
  const times = "header_timeout_seconds = 9\nrequest_timeout_seconds = 8\n";
  assert.match(await problemsOf(`data_dir = "/d"\n${times}`), /header_timeout_seconds cannot/);
});

Deno.test("config: a variable that nobody reads is named, with the one that was meant", async () => {
  const load = (names: string[]): Promise<unknown> =>
    loadConfig({ read: (name) => name === "HOME" ? "/home/me" : undefined, names });
  const good = ["HOME", "MYFS_HUB", "MYFS_HUB_CONFIG_PATH", "MYFS_HUB_TOKEN", "MYFS_HUB_PORT_FILE"];
  await load(good);
  await assert.rejects(load([...good, "MYFS_HUB_PROT", "MYFS_HUB_STORE_URLS_FILE", "MYFS_HUB_X"]), {
    name: "ConfigError",
    problems: [
      "unknown variable MYFS_HUB_PROT (did you mean MYFS_HUB_PORT?)",
      "unknown variable MYFS_HUB_STORE_URLS_FILE (did you mean MYFS_HUB_STORE_URL_FILE?)",
      "unknown variable MYFS_HUB_X",
    ],
  });
});
