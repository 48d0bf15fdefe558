/**
 * Jobs of a hub as people read them.
 *
 * @module
 */

import type { HubJob, HubJobLogLine } from "myfs";
import { escapeControls } from "./escape.ts";
import { formatDuration } from "./format.ts";

/** A job on one line: what it makes, where it is, and what it is made of. */
export function jobLine(job: HubJob): string {
  const { id, user, name, tag, image } = job;
  return escapeControls(`${id}  ${stateOf(job)}  ${user}/${name}:${tag}  ${image}`);
}

/** A job, one fact a line. */
export function* jobLines(job: HubJob): Generator<string> {
  yield `job       ${job.id}`;
  yield `image     ${escapeControls(job.image)}`;
  yield `flist     ${job.user}/${job.name}:${job.tag}`;
  yield `state     ${stateOf(job)}`;
  if (job.error !== undefined) yield `reason    ${escapeControls(job.error.message)}`;
  if (job.platform !== undefined) yield `platform  ${escapeControls(job.platform)}`;
  yield `profile   ${job.profile}`;
  yield `attempts  ${job.attempt}`;
  if (job.digest !== undefined) yield `digest    ${job.digest}`;
  yield `created   ${job.created_at}`;
  if (job.started_at !== undefined) yield `started   ${job.started_at}`;
  if (job.ended_at !== undefined) yield `ended     ${job.ended_at}`;
}

/** Lines of a log. */
export function jobLogLines(lines: readonly HubJobLogLine[]): string[] {
  return lines.map(({ at, text }) => `${at}  ${escapeControls(text)}`);
}

/** What became of a conversion, and what can be done with it. */
export function* jobSummary(job: HubJob, hub: string): Generator<string> {
  const { started_at: start, ended_at: end } = job;
  const took = start === undefined || end === undefined
    ? ""
    : ` in ${formatDuration(Date.parse(end) - Date.parse(start))}`;
  yield `converted ${escapeControls(job.image)}${took}: ${hub}/${job.user}/${job.name}:${job.tag}`;
}

function stateOf({ state, progress }: HubJob): string {
  return state === "running" && progress !== undefined ? `running ${progress.percent} %` : state;
}
