/** Goal: names of images mean what they mean to Docker and skopeo, and what is none is refused. */

import assert from "node:assert/strict";
import { formatImageReference, parseImageReference } from "../../../../lib/oci/image_reference.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

Deno.test("image reference: defaults are written out", () => {
  const cases: Readonly<Record<string, string>> = {
    "nginx": "docker.io/library/nginx:latest",
    "docker://nginx:1.27": "docker.io/library/nginx:1.27",
    "index.docker.io/nginx": "docker.io/library/nginx:latest",
    "team/app": "docker.io/team/app:latest",
    "localhost/app": "localhost/app:latest",
    "localhost:5000/app:v1": "localhost:5000/app:v1",
    "127.0.0.1:5000/a/b/c": "127.0.0.1:5000/a/b/c:latest",
    "[::1]:5000/app": "[::1]:5000/app:latest",
    "quay.io/a/b__c-d.e": "quay.io/a/b__c-d.e:latest",
    [`nginx@${DIGEST}`]: `docker.io/library/nginx@${DIGEST}`,
    [`quay.io/app:v1@${DIGEST}`]: `quay.io/app:v1@${DIGEST}`,
    "oci:/a/b": "oci:/a/b",
    "oci:dir:a:b": "oci:dir:a:b",
    "oci-archive:x.tar:v1": "oci-archive:x.tar:v1",
    "docker-archive:x.tar:app": "docker-archive:x.tar:docker.io/library/app:latest",
    "docker-archive:x.tar:@1": "docker-archive:x.tar:@1",
    "docker-daemon:app": "docker-daemon:app:latest",
    [`docker-daemon:${DIGEST}`]: `docker-daemon:${DIGEST}`,
  };
  for (const [text, expected] of Object.entries(cases)) {
    const formatted = formatImageReference(parseImageReference(text));
    assert.equal(formatted, expected, text);
    assert.equal(formatImageReference(parseImageReference(formatted)), expected, text);
  }
});

Deno.test("image reference: what is no name is refused", () => {
  const wrong = [
    "",
    "docker://",
    "Nginx",
    "quay.io/App",
    "a//b",
    "app:",
    "app:-x",
    `app:${"x".repeat(129)}`,
    "app@sha256:12",
    `app@md5:${"ab".repeat(16)}`,
    "host:port/app",
    "-host.io/app",
    "quay.io/",
    "oci:",
    "oci:dir:",
    "docker-daemon:",
    "dir:/x",
    "http://host/app",
    "user:secret@host/app",
    "a b",
    "a/../b",
    `${"a/".repeat(130)}b`,
  ];
  for (const text of wrong) assert.throws(() => parseImageReference(text), SyntaxError, text);
});
