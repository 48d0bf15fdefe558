/**
 * Tests that need something which not every machine has: a tool, or rights. Where it is missing they
 * are skipped, and the reason stands in their name; with `MYFS_REQUIRE_ALL=1` in the environment, as
 * in continuous integration, they fail instead.
 *
 * @module
 */

import assert from "node:assert/strict";
import { programPath } from "./ci_programs.ts";
import { NGINX } from "./nginx_server.ts";

/** What a test can need: a program in the path, or one of the rights below. */
export type Need =
  | "linux"
  | "root"
  | "mount"
  | "python3"
  | "rsync"
  | "strace"
  | "tar"
  | "bsdtar"
  | "buildah"
  | "setfattr"
  | "setcap"
  | "zstd"
  | "cp"
  | "time"
  | "libcrypto"
  | "nginx"
  | "openssl"
  | "redis-server"
  | "versitygw"
  | "weed"
  | "schemathesis"
  | "docker-registry"
  | "wrk"
  | "skopeo"
  | "umoci"
  | "htpasswd"
  | "fuse.h"
  | "fuse"
  | "fusermount3"
  | "gcc"
  | "git"
  | "ip"
  | "fio"
  | "diff";

/** Registers a test that runs only where everything in `needs` is there. */
export function requiringTest(
  needs: readonly Need[],
  name: string,
  test: (context: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = needs.filter((need) => !has(need));
  if (missing.length === 0) return Deno.test(name, test);
  const reason = `needs ${missing.join(" and ")}`;
  if (Deno.env.get("MYFS_REQUIRE_ALL") === "1") {
    Deno.test(name, () => assert.fail(`This test may not be skipped here, but ${reason}`));
  } else {
    Deno.test({ name: `${name} [skipped: ${reason}]`, ignore: true, fn: test });
  }
}

const known = new Map<Need, boolean>();

/** Whether this machine has what is needed. */
export function has(need: Need): boolean {
  let answer = known.get(need);
  if (answer === undefined) known.set(need, answer = look(need));
  return answer;
}

function look(need: Need): boolean {
  switch (need) {
    case "linux":
      return Deno.build.os === "linux";
    case "root":
      return Deno.uid() === 0;
    case "mount":
      // A container's root may not mount: only trying tells.
      return runs("unshare", ["--mount", "true"]);
    case "strace":
      // Likewise for tracing.
      return runs("strace", ["-qq", "-o", "/dev/null", "true"]);
    case "libcrypto":
      return has("python3") &&
        runs("python3", ["-c", "import ctypes; ctypes.CDLL('libcrypto.so.3')"]);
    case "openssl":
      return runs("openssl", ["version"]);
    case "versitygw":
    case "weed":
    case "schemathesis":
      return programPath(need) !== undefined;
    case "ip":
      return runs("ip", ["-V"]);
    case "htpasswd":
    case "setcap":
    case "wrk":
      // They have no way to ask for their version.
      return runs("sh", ["-c", `command -v ${need}`]);
    case "nginx":
      return runs(NGINX, ["-v"]);
    case "fuse.h":
      return isThere("/usr/include/linux/fuse.h");
    case "fuse":
      // Only one who may open it may mount.
      return has("mount") && opens("/dev/fuse");
    case "fusermount3":
      // It opens the device with the rights of its user.
      return runs("fusermount3", ["--version"]) && canAllOpen("/dev/fuse");
    default:
      return runs(need, ["--version"]);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function opens(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}

function canAllOpen(path: string): boolean {
  return isThere(path) && (Deno.statSync(path).mode! & 0o006) === 0o006;
}

function runs(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
