/** Goal: credentials are found where Docker, Podman and skopeo keep them, and never shown. */

import assert from "node:assert/strict";
import { RegistryDeniedError } from "../../../../lib/base/errors.ts";
import { findCredentials } from "../../../../lib/oci/registry_credentials.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

Deno.test("credentials: from auths, by registry, part of it, and Docker's old names", async () => {
  using folder = new TempFolder();
  const file = folder.file("config.json");
  await Deno.writeTextFile(
    file,
    JSON.stringify({
      auths: {
        "https://index.docker.io/v1/": { auth: btoa("hub:p:w") },
        "reg.example:5000": { username: "a", password: "b" },
        "reg.example:5000/team": { auth: btoa("team:x") },
        "https://old.example/v2/": { auth: btoa("old:x") },
        "id.example": { auth: "", identitytoken: "refresh" },
      },
    }),
  );
  const find = (registry: string, repository = "app"): ReturnType<typeof findCredentials> =>
    findCredentials([folder.file("missing"), file], registry, repository);
  assert.deepEqual(await find("docker.io", "library/nginx"), {
    kind: "password",
    username: "hub",
    password: "p:w",
  });
  assert.deepEqual(await find("reg.example:5000"), {
    kind: "password",
    username: "a",
    password: "b",
  });
  assert.deepEqual(await find("reg.example:5000", "team/app"), {
    kind: "password",
    username: "team",
    password: "x",
  });
  assert.equal((await find("old.example"))?.kind, "password");
  assert.deepEqual(await find("id.example"), { kind: "identity", token: "refresh" });
  assert.equal(await find("reg.example"), undefined);
});

Deno.test("credentials: a file that is broken is told without what stands in it", async () => {
  using folder = new TempFolder();
  const file = folder.file("config.json");
  await Deno.writeTextFile(file, '{"auths": {"r": {"auth": "canary"}} canary');
  await assert.rejects(
    findCredentials([file], "r", "app"),
    (error: unknown) =>
      error instanceof RegistryDeniedError && !Deno.inspect(error).includes("canary"),
  );
});

Deno.test("credentials: a helper that cannot be run is named", async () => {
  using folder = new TempFolder();
  const file = folder.file("config.json");
  for (const helper of ["myfs-test-missing", "../evil"]) {
    await Deno.writeTextFile(file, JSON.stringify({ credHelpers: { r: helper } }));
    await assert.rejects(findCredentials([file], "r", "app"), /docker-credential-/);
  }
});
