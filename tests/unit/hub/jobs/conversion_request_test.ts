/**
 * What a client asks to be converted: images of registries alone, names as rfs makes them, and
 * credentials that go nowhere but to the image's registry.
 */

import assert from "node:assert/strict";
import {
  credentialsOf,
  flistOf,
  imageOf,
  secretsOf,
} from "../../../../hub/jobs/conversion_request.ts";

Deno.test("conversion request: only images of registries are read, never files or daemons", () => {
  assert.equal(imageOf("docker://quay.io/a/b:1").registry, "quay.io");
  const others = [
    ...["oci:/etc:x", "oci-archive:/etc/passwd", "docker-archive:/var/x.tar:app"],
    ...["docker-daemon:app:1", "dir:/etc", "containers-storage:x", "", "UPPER", "a b", "../etc"],
    "user:secret@host/app",
  ];
  for (const name of others) {
    assert.throws(() => imageOf(name), { status: 422, code: "image_invalid" }, name);
  }
});

Deno.test("conversion request: the flist is called as rfs calls it", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const cases: [image: string, name: string, tag: string][] = [
    ["redis", "redis", "latest"],
    ["redis:7", "redis", "7"],
    ["docker://redis:7", "redis", "7"],
    ["docker.io/library/nginx:1.27", "docker.io-library-nginx", "1.27"],
    ["localhost:5000/team/app", "localhost-5000-team-app", "latest"],
    ["localhost:5000/team/app:v1", "localhost-5000-team-app", "v1"],
    [`team/app@${digest}`, "team-app", digest.replace(":", "-")],
    [`team/app:v1@${digest}`, "team-app", "v1"],
    ["[2001:db8::1]:5000/app:v1", "2001-db8--1--5000-app", "v1"],
  ];
  for (const [image_name, name, tag] of cases) {
    const reference = imageOf(image_name);
    assert.deepEqual(flistOf({ image_name }, reference), { name, tag });
    const rfsName = `${image_name.replaceAll(/[:/]/g, "-")}.fl`;
    if (/^[a-z.0-9]+[:/]/.test(image_name) && !image_name.includes("@") && tag !== "latest") {
      assert.equal(`${name}-${tag}.fl`, rfsName.replace("docker---", ""));
    }
  }
  const image_name = `${"a".repeat(140)}/app:v1`;
  const reference = imageOf(image_name);
  assert.throws(() => flistOf({ image_name }, reference), { status: 422 });
  assert.deepEqual(flistOf({ image_name, name: "app" }, reference), { name: "app", tag: "v1" });
});

Deno.test("conversion request: credentials in every form that rfs has", () => {
  const image = imageOf("quay.io/team/app");
  const auth = new TextEncoder().encode("alice:pass:wörd").toBase64();
  assert.equal(credentialsOf({}, image), undefined);
  assert.equal(credentialsOf({ username: null, password: "", email: "a@b" }, image), undefined);
  const password = { kind: "password", username: "alice", password: "pass:wörd" } as const;
  assert.deepEqual(credentialsOf({ username: "alice", password: "pass:wörd" }, image), password);
  assert.deepEqual(credentialsOf({ auth }, image), password);
  assert.deepEqual(credentialsOf({ identity_token: "i" }, image), { kind: "identity", token: "i" });
  assert.deepEqual(credentialsOf({ registry_token: "r" }, image), { kind: "bearer", token: "r" });
  for (const wrong of [{ username: "alice" }, { password: "x" }, { auth: "%" }, { auth: "bm8=" }]) {
    assert.throws(() => credentialsOf(wrong, image), { status: 422 });
  }
  assert.ok(secretsOf(password).includes(auth));
  assert.ok(secretsOf(password).includes("pass:wörd"));
});

Deno.test("conversion request: credentials for another registry are refused, not sent", () => {
  const given = { username: "alice", password: "secret" };
  const ask = (image: string, server_address: string) =>
    credentialsOf({ ...given, server_address }, imageOf(image));
  assert.ok(ask("quay.io/a/b", "quay.io"));
  assert.ok(ask("quay.io/a/b", "https://quay.io/v2/"));
  assert.ok(ask("nginx", "https://index.docker.io/v1/"));
  for (const [image, server] of [["evil.net/a", "quay.io"], ["quay.io/a", "docker.io"]] as const) {
    assert.throws(() => ask(image, server), (error: Error) => {
      assert.ok(!error.message.includes("secret"));
      return true;
    });
  }
});
