/**
 * Events of a job on their way to a client: each once, in order, until the job or the hub ends, or
 * nobody listens any more.
 */

import assert from "node:assert/strict";
import type { Caller } from "../../../../hub/accounts/caller.ts";
import type { Hub } from "../../../../hub/context.ts";
import { jobEventStream, lastEventNumber } from "../../../../hub/endpoints/job_events.ts";
import type { JobEvent } from "../../../../hub/jobs/job_queue.ts";

const CALLER: Caller = { user: "alice", role: "user", scopes: ["read"] };

/** The parts of a hub that matter here, with one job. */
class OneJob {
  jobState = "running";
  readonly events: JobEvent[] = [];
  readonly state = { isDraining: false };
  readonly warnings: string[] = [];
  asked = 0;

  add(kind: JobEvent["kind"], data: string): void {
    this.events.push({ number: this.events.length + 1, kind, data });
  }

  get hub(): Hub {
    const jobs = {
      get: () => Promise.resolve({ state: this.jobState }),
      events: (_caller: Caller, _id: string, after: number) => {
        this.asked++;
        return Promise.resolve(this.events.filter(({ number }) => number > after));
      },
    };
    const log = { warn: (event: string) => this.warnings.push(event) };
    return { jobs, log, state: this.state } as unknown as Hub;
  }

  async stream(after = 0): Promise<ReadableStreamDefaultReader<string>> {
    const stream = await jobEventStream(this.hub, CALLER, "1", after);
    return stream!.pipeThrough(new TextDecoderStream()).getReader();
  }
}

async function rest(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
  return text;
}

Deno.test("job events: each comes once, also those that come later, and the stream ends with the job", async () => {
  const job = new OneJob();
  job.add("state", '{"state":"running"}');
  job.add("log", '{"text":"one"}');
  const reader = await job.stream(1);
  assert.equal((await reader.read()).value, "retry: 1000\n\n");
  assert.equal((await reader.read()).value, 'id: 2\nevent: log\ndata: {"text":"one"}\n\n');
  job.add("log", "{}");
  job.add("state", '{"state":"finished"}');
  job.jobState = "finished";
  assert.equal(
    await rest(reader),
    'id: 3\nevent: log\ndata: {}\n\nid: 4\nevent: state\ndata: {"state":"finished"}\n\n',
  );
  assert.equal(await jobEventStream(job.hub, CALLER, "1", 4), undefined);
});

Deno.test("job events: a hub that ends ends them, and clients come again elsewhere", async () => {
  const job = new OneJob();
  const reader = await job.stream();
  await reader.read();
  job.state.isDraining = true;
  assert.equal(await rest(reader), "");
});

Deno.test("job events: nothing is asked for a client that has left, and so many may listen", async () => {
  const job = new OneJob();
  const readers = [];
  for (let count = 0; count < 50; count++) readers.push(await job.stream());
  await assert.rejects(job.stream(), { status: 429 });
  await Promise.all(readers.map((reader) => reader.read()));
  await Promise.all(readers.map((reader) => reader.cancel()));
  const { asked } = job;
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(job.asked, asked);
  assert.deepEqual(job.warnings, []);
  // One that was never listened to is not counted for ever.
  for (let count = 0; count < 60; count++) {
    await (await jobEventStream(job.hub, CALLER, "1", 0))!.cancel();
  }
});

Deno.test("job events: only the number of an event is taken for one", () => {
  assert.equal(lastEventNumber("17"), 17);
  for (const text of [undefined, "", "-1", "1e3", "x", "9".repeat(16)]) {
    assert.equal(lastEventNumber(text), undefined);
  }
});
