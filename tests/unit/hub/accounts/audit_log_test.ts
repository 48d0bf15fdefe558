/** Goal: the audit log says what happened in one line an event, and forgets what is too old. */

import assert from "node:assert/strict";
import { AuditLog } from "../../../../hub/accounts/audit_log.ts";
import { openDatabase } from "../../../../hub/database/open_database.ts";
import { createLog } from "../../../../hub/log.ts";

Deno.test("audit log: events come the newest first, by actor and action, in pages", async () => {
  const database = await openDatabase(":memory:");
  const lines: string[] = [];
  let now = 0;
  const log = createLog({ format: "json", write: (line) => lines.push(line) });
  const audit = new AuditLog(database, log, () => now++);
  for (const [actor, action] of [["alice", "a"], ["bob", "b"], ["alice", "b"]] as const) {
    await audit.record({ actor, action });
  }
  await audit.record({ action: "c", object: "x\r\ny\u001b[2J\u2028" });
  const of = async (selection: { actor?: string; action?: string }): Promise<string[]> =>
    (await audit.list({ ...selection, page: 1, perPage: 10 })).events
      .map(({ actor, action }) => `${actor} ${action}`);
  assert.deepEqual(await of({}), ["undefined c", "alice b", "bob b", "alice a"]);
  assert.deepEqual(await of({ actor: "alice" }), ["alice b", "alice a"]);
  assert.deepEqual(await of({ actor: "alice", action: "b" }), ["alice b"]);
  const page = await audit.list({ page: 2, perPage: 3 });
  assert.deepEqual([page.total, page.events.length], [4, 1]);
  const [last] = (await audit.list({ page: 1, perPage: 1 })).events;
  assert.equal(last!.object, "x\\u000d\\u000ay\\u001b[2J\\u2028");
  assert.deepEqual(
    lines.map((line) => line.indexOf("\n") === line.length - 1),
    Array(4).fill(true),
  );
  await database.destroy();
});

Deno.test("audit log: what is too old is forgotten, thousands at a time, and no more", async () => {
  const database = await openDatabase(":memory:");
  let now = 1000;
  const log = createLog({ format: "json", write: () => {} });
  const audit = new AuditLog(database, log, () => now);
  for (let count = 0; count < 2500; count++) await audit.record({ action: "old" });
  now = 2000;
  await audit.record({ action: "new" });
  assert.equal(await audit.forget(1000), 0);
  assert.equal(await audit.forget(2000), 2500);
  const { events } = await audit.list({ page: 1, perPage: 10 });
  assert.deepEqual(events.map(({ action }) => action), ["new"]);
  await database.destroy();
});
