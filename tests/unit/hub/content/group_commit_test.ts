/** Goal: what comes while a write is under way goes into the next one, and one that fails fails alone. */

import assert from "node:assert/strict";
import { GroupCommit } from "../../../../hub/content/group_commit.ts";

Deno.test("group commit: jobs of one turn go together, those that come meanwhile into the next", async () => {
  const groups: number[][] = [];
  const gates: (() => void)[] = [];
  const commit = new GroupCommit<number, number>(async (jobs) => {
    groups.push([...jobs]);
    await new Promise<void>((resolve) => gates.push(resolve));
    return jobs.map((job) => job * 10);
  }, { jobsMax: 3 });
  const first = [1, 2].map((job) => commit.add(job));
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(groups, [[1, 2]]);
  const more = [3, 4, 5, 6].map((job) => commit.add(job));
  gates.shift()!();
  assert.deepEqual(await Promise.all(first), [10, 20]);
  await new Promise((resolve) => setTimeout(resolve));
  gates.shift()!();
  await Promise.all(more.slice(0, 3));
  await new Promise((resolve) => setTimeout(resolve));
  gates.shift()!();
  assert.deepEqual(await Promise.all(more), [30, 40, 50, 60]);
  assert.deepEqual(groups, [[1, 2], [3, 4, 5], [6]]);
  await commit.idle();
});

Deno.test("group commit: all of a group hear of its failure, and the next group goes on", async () => {
  const commit = new GroupCommit<number, number>((jobs) =>
    jobs.includes(0) ? Promise.reject(new Error("no")) : Promise.resolve(jobs)
  );
  const failed = await Promise.allSettled([commit.add(0), commit.add(1)]);
  assert.deepEqual(failed.map(({ status }) => status), ["rejected", "rejected"]);
  await commit.idle();
  assert.equal(await commit.add(2), 2);
  await commit.idle();
});

Deno.test("group commit: groups are bounded by bytes, and so many go at the same time", async () => {
  const groups: number[][] = [];
  const gates: (() => void)[] = [];
  const commit = new GroupCommit<number, number>(async (jobs) => {
    groups.push([...jobs]);
    await new Promise<void>((resolve) => gates.push(resolve));
    return jobs;
  }, { groupsMax: 2, bytesMax: 10, bytesOf: (job) => job });
  const given = [99, 4, 6, 1, 2].map((job) => commit.add(job));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(groups, [[99], [4, 6]]);
  gates.shift()!();
  assert.equal(await given[0], 99);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(groups.at(-1), [1, 2]);
  gates.forEach((open) => open());
  assert.deepEqual(await Promise.all(given), [99, 4, 6, 1, 2]);
  await commit.idle();
});
