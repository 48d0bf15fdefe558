/**
 * Conversions of container images.
 *
 * @module
 */

import { RFS_PAGE_SIZE_MAX } from "../../lib/hub_api/messages/mod.ts";
import type { JobInfo } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { type Hub, type HubApp, originOf } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { callerWith } from "../middleware/authentication.ts";
import { writableNamespace } from "./flist_reference.ts";
import { jobEventStream, lastEventNumber } from "./job_events.ts";

/** Registers the endpoints of jobs. */
export function registerJobEndpoints(app: HubApp, hub: Hub): void {
  const { jobs, audit } = hub;

  registerEndpoint(app, "convert", async (context, { body }) => {
    const caller = callerWith(context, "write");
    writableNamespace(caller, caller.user);
    const { protocol, host } = new URL(context.req.url);
    const isTls = hub.config.tls_cert !== undefined || protocol === "https:";
    const { id, image } = await jobs.start(caller, body, `${isTls ? "https" : "http"}://${host}`);
    const { user: actor } = caller;
    await audit.record({
      ...originOf(context),
      actor,
      action: "job.create",
      object: id,
      detail: image,
    });
    return context.json({ id }, 201);
  });
  registerEndpoint(app, "rfsJob", async (context, { params }) => {
    const job = await jobs.get(callerWith(context, "read"), params.job_id);
    return context.json({ flist_state: rfsState(job) });
  });
  registerEndpoint(app, "jobs", async (context, { query }) => {
    const { page, user, state } = query;
    const perPage = Math.min(query.per_page, RFS_PAGE_SIZE_MAX);
    const found = await jobs.list(callerWith(context, "read"), { user, state, page, perPage });
    return context.json({ ...found, page, per_page: perPage });
  });
  registerEndpoint(app, "job", async (context, { params }) => {
    return context.json(await jobs.get(callerWith(context, "read"), params.id));
  });
  registerEndpoint(app, "jobEvents", async (context, { params, query }) => {
    const caller = callerWith(context, "read");
    const after = lastEventNumber(context.req.header("last-event-id")) ?? query.after;
    const stream = await jobEventStream(hub, caller, params.id, after);
    // So an EventSource knows that it need not come again.
    if (stream === undefined) return context.body(null, 204);
    return context.body(stream, 200, {
      "content-type": "text/event-stream",
      // Proxies that collect answers would keep the events back.
      "x-accel-buffering": "no",
    });
  });
  registerEndpoint(app, "jobLog", async (context, { params, query }) => {
    const lines = await jobs.logLines(callerWith(context, "read"), params.id, query.after);
    return context.json({ lines });
  });
  registerEndpoint(app, "cancelJob", async (context, { params }) => {
    const caller = callerWith(context, "write");
    const job = await jobs.cancel(caller, params.id);
    const { user: actor } = caller;
    await audit.record({ ...originOf(context), actor, action: "job.cancel", object: job.id });
    return context.json(job);
  });
  registerEndpoint(app, "retryJob", async (context, { params, body }) => {
    const caller = callerWith(context, "write");
    const job = await jobs.retry(caller, params.id, body);
    const { user: actor } = caller;
    await audit.record({ ...originOf(context), actor, action: "job.retry", object: job.id });
    return context.json(job);
  });
}

/** How rfs's clients are told. @throws {HubProblem} 500 where it has failed: that is how they know. */
function rfsState({ name, tag, state, progress, error }: JobInfo): Record<string, unknown> {
  const flist = `${name}-${tag}.fl`;
  switch (state) {
    case "queued":
      return { Accepted: `Flist '${flist}' is accepted` };
    case "running":
      if (progress === undefined || progress.step === "open") {
        return { Started: `Flist '${flist}' is started` };
      }
      return { InProgress: { msg: `Flist '${flist}' is in progress`, progress: progress.percent } };
    case "finished":
      return { Created: `Flist '${flist}' is created successfully` };
    case "canceled":
      throw new HubProblem(500, "job_failed", "The job was canceled");
    case "failed":
      throw new HubProblem(500, "job_failed", "The job failed", error?.message);
  }
}
