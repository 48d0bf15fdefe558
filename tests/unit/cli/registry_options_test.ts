/**
 * What the options of registries come to: files that are named must be there, those of usual places
 * need not.
 */

import assert from "node:assert/strict";
import { MissingError, UsageError } from "../../../cli/problem.ts";
import { authFilesOf, registryOptionsOf } from "../../../cli/registry_options.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";

/** Reads variables from `values` instead of the environment. */
const from = (values: Readonly<Record<string, string>>) => (name: string) => values[name];

Deno.test("registry options: a file that is named must be there", async () => {
  using folder = new TempFolder();
  const path = folder.file("nope");
  for (const flags of [{ ca: [path] }, { authfile: path }]) {
    await assert.rejects(registryOptionsOf(flags, from({})), (error: MissingError) => {
      assert.ok(error instanceof MissingError);
      assert.match(error.message, /nope, which --(ca|authfile) names/);
      return true;
    });
  }
  await Deno.writeTextFile(path, "{}");
  const { authFiles, caCerts } = await registryOptionsOf({ authfile: path, ca: [path] }, from({}));
  assert.deepEqual(authFiles, [path]);
  assert.deepEqual(caCerts, ["{}"]);
});

Deno.test("registry options: credentials of usual places may be missing, and --anonymous uses none", async () => {
  const read = from({ HOME: "/h", XDG_RUNTIME_DIR: "/r" });
  const usual = [
    "/r/containers/auth.json",
    "/h/.config/containers/auth.json",
    "/h/.docker/config.json",
  ];
  assert.deepEqual(authFilesOf(undefined, read), usual);
  assert.deepEqual((await registryOptionsOf({}, read)).authFiles, usual);
  assert.deepEqual((await registryOptionsOf({ anonymous: true }, read)).authFiles, []);
  assert.deepEqual(authFilesOf(undefined, from({ REGISTRY_AUTH_FILE: "/a" })), ["/a"]);
});

Deno.test("registry options: what contradicts or is half is refused, without the password", async () => {
  for (
    const flags of [
      { platform: "linux/amd64", allPlatforms: true },
      { creds: "user:secret", username: "user" },
      { creds: "secret" },
      { passwordStdin: true },
      { anonymous: true, creds: "user:secret" },
      { username: "user" },
      { registryTimeout: NaN },
    ]
  ) {
    await assert.rejects(registryOptionsOf(flags, from({})), (error: UsageError) => {
      assert.ok(error instanceof UsageError, JSON.stringify(flags));
      assert.doesNotMatch(`${error.message} ${error.hint}`, /secret/);
      return true;
    });
  }
});
