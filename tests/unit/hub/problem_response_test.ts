/** Goal: what a client learns of what went wrong: enough to act on, and nothing of the hub's inside. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { toProblem } from "../../../hub/problem_response.ts";
import { HubProblem } from "../../../lib/hub_api/problem.ts";
import { StoreDeniedError, StoreUnavailableError } from "../../../lib/base/errors.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";

const CANARY = "canary-0123456789";

function failing(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

function sqliteError(message: string, errcode?: number): Error {
  const code = "ERR_SQLITE_ERROR";
  return Object.assign(new Error(message), errcode === undefined ? { code } : { code, errcode });
}

Deno.test("problem: a database or a store that is away is for later, what is broken is not", () => {
  using folder = new TempFolder();
  using one = new DatabaseSync(folder.file("one.sqlite"));
  one.exec("CREATE TABLE t (x); PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  using other = new DatabaseSync(folder.file("one.sqlite"), { timeout: 0 });
  const cases: [unknown, number, string][] = [
    [failing(() => other.exec("BEGIN IMMEDIATE")), 503, "unavailable"],
    [failing(() => other.prepare("INSERT INTO t VALUES (1)").run()), 503, "unavailable"],
    [failing(() => new DatabaseSync(folder.file("no/x.sqlite"))), 503, "unavailable"],
    [sqliteError("disk I/O error"), 503, "unavailable"],
    [sqliteError("disk I/O error", 10 | (2 << 8)), 503, "unavailable"],
    [sqliteError("attempt to write a readonly database", 8), 503, "unavailable"],
    [sqliteError("database or disk is full", 13), 507, "storage_full"],
    [sqliteError("database disk image is malformed", 11), 500, "internal"],
    [failing(() => one.prepare("SELECT nothing FROM t")), 500, "internal"],
    [new StoreUnavailableError(`dir:///${CANARY}`, `Cannot read ${CANARY}`), 503, "unavailable"],
    [new StoreDeniedError(`s3://${CANARY}`, `Cannot read ${CANARY}`), 500, "internal"],
    [new Error(`database is locked ${CANARY}`), 500, "internal"],
    [CANARY, 500, "internal"],
    [new HubProblem(404, "not_found", "There is none"), 404, "not_found"],
  ];
  for (const [error, status, code] of cases) {
    const problem = toProblem(error);
    assert.deepEqual([problem.status, problem.code], [status, code], String(error));
    assert.equal(problem.retryAfterSeconds === undefined, status !== 503, String(error));
    const { title, detail, message } = problem;
    assert.ok(!JSON.stringify([title, detail, message]).includes(CANARY), String(error));
  }
});
