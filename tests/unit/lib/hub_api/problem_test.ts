/** Problems of a hub: codes and statuses go together. */

import assert from "node:assert/strict";
import { Problem } from "../../../../lib/hub_api/messages/problem.ts";
import {
  HUB_PROBLEM_CODES,
  HubProblem,
  hubProblemStatus,
} from "../../../../lib/hub_api/problem.ts";

Deno.test("hub problem: every code has a status of failure", () => {
  for (const code of HUB_PROBLEM_CODES) {
    const status = hubProblemStatus(code);
    assert.ok(status >= 400 && status < 600, code);
    assert.equal(Problem.parse({ title: "t", status, code }).type, "about:blank");
  }
});

Deno.test("hub problem: it carries what the answer says, and its cause for the log", () => {
  const cause = new Error("disk on fire");
  const problem = new HubProblem(507, "storage_full", "Storage is full", "no space", {
    cause,
    retryAfterSeconds: 5,
  });
  assert.deepEqual(
    { ...problem, message: problem.message, cause: problem.cause },
    {
      name: "HubProblem",
      status: 507,
      code: "storage_full",
      title: "Storage is full",
      detail: "no space",
      retryAfterSeconds: 5,
      message: "Storage is full: no space",
      cause,
    },
  );
});
