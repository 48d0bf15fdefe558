/**
 * The table from errors to exit codes, with the library's real errors: scripts rely on it.
 */

import assert from "node:assert/strict";
import { exitCodeOf } from "../../../cli/exit_codes.ts";
import { UsageError } from "../../../cli/problem.ts";
import {
  BlockCorruptError,
  BlockNotFoundError,
  FlistFormatError,
  FlistNotFoundError,
  HubError,
  MountError,
  PartialFailureError,
  PathNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
  SystemError,
  UnsafePathError,
  UnsupportedError,
  UntrustedRouteError,
} from "../../../lib/base/errors.ts";

const table: readonly (readonly [number, unknown])[] = [
  [10, new BlockNotFoundError("ab", "dir:///s")],
  [10, new FlistNotFoundError("a.fl")],
  [10, new PathNotFoundError("a", "b.fl")],
  [10, new HubError("hub://h", "no such file", { status: 404, problem: undefined })],
  [1, new HubError("hub://h", "too much", { status: 413, problem: "too_large" })],
  [11, new BlockCorruptError("ab", "short")],
  [11, new FlistFormatError("a.fl", "not SQLite")],
  [12, new StoreDeniedError("dir:///s", "no")],
  [12, new UntrustedRouteError("dir:///s")],
  [12, new UnsafePathError("..", "leaves")],
  [3, new PartialFailureError("some", [])],
  [1, new StoreUnavailableError("dir:///s", "down")],
  [1, new UnsupportedError("no")],
  [1, new SystemError("write", "a", "ENOSPC", "the disk is full")],
  [10, new SystemError("open", "a", "ENOENT", "it does not exist")],
  [12, new SystemError("open", "a", "EACCES", "permission denied")],
  [12, new SystemError("chown", "a", "EPERM", "not permitted")],
  [12, new SystemError("write", "a", "EROFS", "read-only")],
  [12, new MountError("mnt", "only root may", { errno: "EPERM" })],
  [10, new MountError("mnt", "it does not exist", { errno: "ENOENT" })],
  [1, new MountError("mnt", "it is not a directory")],
  [2, new UsageError("wrong")],
  [2, new SyntaxError("Cannot read it")],
  [2, new RangeError("Cannot use it")],
  [1, new TypeError("a fault of ours")],
  [1, "a string"],
];

Deno.test("exit codes: every error of the library has the documented one", () => {
  for (const [code, error] of table) assert.equal(exitCodeOf(error), code, String(error));
});

Deno.test("exit codes: the runtime's own errors count by their POSIX name", async () => {
  const error = await Deno.stat("/does/not/exist").then(() => undefined, (error) => error);
  assert.equal(exitCodeOf(error), 10);
});
