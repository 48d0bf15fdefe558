/**
 * Events of a job as server-sent events (HTML, section 9.2).
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { JobState } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { Caller } from "../accounts/caller.ts";
import type { Hub } from "../context.ts";
import type { JobEvent } from "../jobs/job_queue.ts";

/** How often new events are looked for, in milliseconds: any process may have made them. */
const LOOK_INTERVAL_MS = 500;

/** How often a word is sent where there is no event, so that nobody takes the line for dead. */
const SILENCE_MAX_MS = 15_000;

/** How long a client waits before it comes again, in milliseconds. */
const RECONNECT_MS = 1000;

/** Streams of one user in this process. */
const STREAMS_MAX = 50;

const streams = new Map<string, number>();

/** The number of an event in a header; undefined where it is none. */
export function lastEventNumber(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/**
 * The events of a job after the one of that number, until it has ended, or the hub does.
 *
 * @returns undefined where it has ended, and there are none.
 * @throws {HubProblem} 404 when there is no job that the caller may see, 429 for too many streams.
 */
export async function jobEventStream(
  hub: Hub,
  caller: Caller,
  id: string,
  after: number,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
  const first = await hub.jobs.events(caller, id, after);
  const { state } = await hub.jobs.get(caller, id);
  if (first.length === 0 && hasEnded(state)) return undefined;
  const give = takeStream(caller.user);
  const left = new AbortController();
  const events = eventsOf(hub, caller, id, after, left.signal);
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const { done, value } = await events.next();
      if (done !== true) return controller.enqueue(new TextEncoder().encode(value));
      give();
      controller.close();
    },
    async cancel(): Promise<void> {
      left.abort();
      await events.return();
      give();
    },
  }, { highWaterMark: 0 });
}

async function* eventsOf(
  { jobs, state, log }: Hub,
  caller: Caller,
  id: string,
  after: number,
  left: AbortSignal,
): AsyncGenerator<string, void, void> {
  let last = after;
  let saidAtMs = performance.now();
  try {
    yield `retry: ${RECONNECT_MS}\n\n`;
    for (;;) {
      // Its state first: what came before it ended is among the events then.
      const { state: jobState } = await jobs.get(caller, id);
      const fresh = await jobs.events(caller, id, last);
      for (const event of fresh) {
        yield format(event);
        last = event.number;
        saidAtMs = performance.now();
      }
      if (hasEnded(jobState) || state.isDraining) return;
      await sleep(LOOK_INTERVAL_MS, undefined, { signal: left });
      if (performance.now() - saidAtMs < SILENCE_MAX_MS) continue;
      yield ": still here\n\n";
      saidAtMs = performance.now();
    }
  } catch (error) {
    // It comes again, and goes on where it was.
    if (!left.aborted) log.warn("events of a job broke off", { job: id, error });
  }
}

function format({ number, kind, data }: JobEvent): string {
  return `id: ${number}\nevent: ${kind}\ndata: ${data}\n\n`;
}

function hasEnded(state: JobState): boolean {
  return state !== "queued" && state !== "running";
}

/** Counts a stream of a user. @returns what counts it as ended, however often that is called. */
function takeStream(user: string): () => void {
  const count = streams.get(user) ?? 0;
  if (count >= STREAMS_MAX) {
    throw new HubProblem(429, "too_many_requests", "Too many streams of events", undefined, {
      retryAfterSeconds: 5,
    });
  }
  streams.set(user, count + 1);
  let isGiven = false;
  return () => {
    if (isGiven) return;
    isGiven = true;
    const left = streams.get(user)! - 1;
    if (left > 0) streams.set(user, left);
    else streams.delete(user);
  };
}
