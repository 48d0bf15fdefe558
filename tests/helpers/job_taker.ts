/**
 * A process that takes jobs from a hub's database until there are none, as a hub would. Its argument is
 * the path of the database; it prints the ids as JSON.
 *
 * @module
 */

import { openDatabase } from "../../hub/database/open_database.ts";
import { JobQueue } from "../../hub/jobs/job_queue.ts";

if (import.meta.main) {
  const database = await openDatabase(Deno.args[0]!);
  const runner = crypto.randomUUID();
  const queue = new JobQueue({ database, runner, leaseMs: 60_000, queuedMax: 1, now: Date.now });
  const ids: string[] = [];
  for (let job = await queue.take(); job !== undefined; job = await queue.take()) ids.push(job.id);
  await database.destroy();
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(ids)));
}
