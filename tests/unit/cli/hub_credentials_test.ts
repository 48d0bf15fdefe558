/**
 * Where tokens of hubs lie, and which hub gets the one of the environment.
 */

import assert from "node:assert/strict";
import { parseHubAddress } from "../../../mod.ts";
import {
  credentialsPath,
  environmentToken,
  hubCredentialsOption,
  openHubCredentials,
} from "../../../cli/hub_credentials.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";

type Variables = Readonly<Record<string, string>>;

const reader = (variables: Variables) => (name: string): string | undefined => variables[name];

Deno.test("hub credentials: our own variable comes first, then XDG's, then home", () => {
  const all = { MYFS_CONFIG_DIR: "/m", XDG_CONFIG_HOME: "/x", HOME: "/h" };
  const path = (variables: Variables): string => credentialsPath(reader(variables));
  assert.equal(path(all), "/m/hubs.json");
  assert.equal(path({ ...all, MYFS_CONFIG_DIR: "" }), "/x/myfs/hubs.json");
  assert.equal(path({ XDG_CONFIG_HOME: "x", HOME: "/h" }), "/h/.config/myfs/hubs.json");
  assert.throws(() => path({}), { code: "usage", message: /HOME/ });
});

Deno.test("hub credentials: a token of the environment goes to the hub that stands beside it", async () => {
  const home = { HOME: "/nonexistent" };
  const hub = parseHubAddress("hub://one:1");
  const tokenOf = async (variables: Variables): Promise<string | undefined> =>
    (await (await openHubCredentials(reader({ ...home, ...variables }))).get(hub))?.accessToken;
  assert.equal(await tokenOf({ MYFS_HUB: "hub://one:1", MYFS_HUB_TOKEN: "T" }), "T");
  assert.equal(await tokenOf({ MYFS_HUB: "http://one:1/", MYFS_HUB_TOKEN: "T" }), "T");
  assert.equal(await tokenOf({ MYFS_HUB: "hubs://one:1", MYFS_HUB_TOKEN: "T" }), undefined);
  assert.equal(await tokenOf({ MYFS_HUB_TOKEN: "T" }), undefined);
  assert.equal(await tokenOf({ MYFS_HUB: "hub://one:1", MYFS_HUB_TOKEN: "" }), undefined);
});

Deno.test("hub credentials: a token may lie in a file", async () => {
  using folder = new TempFolder();
  const path = folder.file("token");
  await Deno.writeTextFile(path, "T\n");
  const of = (variables: Variables): Promise<string | undefined> =>
    environmentToken(reader(variables));
  assert.equal(await of({ MYFS_HUB_TOKEN_FILE: path }), "T");
  assert.equal(await of({ MYFS_HUB_TOKEN: "", MYFS_HUB_TOKEN_FILE: path }), "T");
  assert.equal(await of({ MYFS_HUB_TOKEN: "U" }), "U");
  assert.equal(await of({ MYFS_HUB_TOKEN: "" }), undefined);
  assert.equal(await of({}), undefined);
  await assert.rejects(of({ MYFS_HUB_TOKEN: "U", MYFS_HUB_TOKEN_FILE: path }), { code: "usage" });
  await Deno.writeTextFile(path, "\n");
  await assert.rejects(of({ MYFS_HUB_TOKEN_FILE: path }), { code: "usage" });
  await assert.rejects(of({ MYFS_HUB_TOKEN_FILE: folder.file("none") }), Deno.errors.NotFound);
});

Deno.test("hub credentials: where there is no place for them, stores do without", async () => {
  assert.deepEqual(await hubCredentialsOption(reader({})), {});
  await assert.rejects(
    hubCredentialsOption(reader({ HOME: "/h", MYFS_HUB: "://", MYFS_HUB_TOKEN: "T" })),
    SyntaxError,
  );
});
