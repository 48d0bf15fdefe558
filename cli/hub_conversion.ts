/**
 * `myfs-tool container --hub`: a hub converts the image, and this shows how far it is.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type {
  HubClient,
  HubConversionOptions,
  HubJob,
  HubJobEvent,
  HubJobProgress,
  RegistryCredentials,
} from "myfs";
import { EXIT_CODE, type ExitCode } from "./exit_codes.ts";
import { openHub } from "./hub.ts";
import { jobLine, jobSummary } from "./output/jobs.ts";
import { UsageError } from "./problem.ts";
import type { Session } from "./session.ts";

const GROUP = "Options with --hub:";

const grouped = (flags: string, text: string): Option => new Option(flags, text).helpGroup(GROUP);

/** The options that a conversion by a hub has, in the order of the help. */
export function hubConversionOptions(): Option[] {
  return [
    grouped("--hub <hub>", "have a hub convert it, such as hub://host:3000: nothing passes here"),
    grouped("--as <name[:tag]>", "what to call the flist there (default: as the image)"),
    grouped("--public", "everybody may see the flist"),
    grouped("--private", "only its user may see it"),
    grouped("--replace", "the flist may be there, and is replaced"),
    grouped("--detach", "print the job's id and do not wait for it"),
  ];
}

/** What the options gave. */
export interface HubConversionFlags {
  readonly hub?: string;
  readonly as?: string;
  readonly public?: boolean;
  readonly private?: boolean;
  readonly replace?: boolean;
  readonly detach?: boolean;
}

/** Flags of a conversion here that mean nothing to a hub, by the names of their options. */
const LOCAL_FLAGS = [
  ...["meta", "store", "storeSpec", "exclude", "level", "jobs", "tag", "allPlatforms", "authfile"],
  ...["plainHttp", "ca", "mirror", "registryTimeout"],
];

/** Refuses what goes with one of both ways of converting only. @throws {UsageError} */
export function checkHubFlags(flags: HubConversionFlags, all: Readonly<object>): void {
  const given = new Map(Object.entries(all));
  if (flags.hub === undefined) {
    const [stray] = (["as", "public", "private", "replace", "detach"] as const)
      .filter((name) => flags[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --hub`);
    return;
  }
  const [stray] = LOCAL_FLAGS.filter((name) => given.get(name) !== undefined);
  if (stray !== undefined) {
    const flag = stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(
      `--hub excludes --${flag}`,
      "The hub keeps the blocks, and reads registries as it is configured.",
    );
  }
  if (flags.public === true && flags.private === true) {
    throw new UsageError("--public and --private exclude each other");
  }
}

/** What a hub is told of who asks a registry. */
export function jobCredentials(
  credentials: RegistryCredentials | undefined,
): Pick<
  HubConversionOptions,
  "username" | "password" | "identity_token" | "registry_token"
> {
  switch (credentials?.kind) {
    case "password":
      return { username: credentials.username, password: credentials.password };
    case "identity":
      return { identity_token: credentials.token };
    case "bearer":
      return { registry_token: credentials.token };
    case undefined:
      return {};
  }
}

/** Has a hub convert `image`, and shows how far it is. */
export async function convertAtHub(
  image: string,
  flags: HubConversionFlags,
  request: HubConversionOptions,
  session: Session,
): Promise<ExitCode> {
  const { startHubConversion } = await import("myfs");
  const client = await openHub(flags.hub, session);
  const [name, tag] = flags.as?.split(":", 2) ?? [];
  const id = await startHubConversion(client, image, {
    ...request,
    ...(name === undefined ? {} : { name }),
    ...(tag === undefined ? {} : { tag }),
    ...(flags.public === true ? { visibility: "public" } : {}),
    ...(flags.private === true ? { visibility: "private" } : {}),
    ...(flags.replace === true ? { replace: true } : {}),
  });
  if (flags.detach === true) {
    await session.result(() => ({ hub: client.hub.name, id }), () => [id]);
    return EXIT_CODE.ok;
  }
  return await showJob(client, id, session);
}

/** Shows how far a job is until it has ended, and what became of it. */
export async function showJob(
  client: HubClient,
  id: string,
  session: Session,
): Promise<ExitCode> {
  const { awaitHubJob } = await import("myfs");
  const { signal } = session;
  const job = await awaitHubJob(client, id, { signal, onEvent: (event) => tell(event, session) });
  await session.result(() => ({ hub: client.hub.name, ...job }), () => [jobLine(job)]);
  session.note(() => jobSummary(job, client.hub.name));
  return EXIT_CODE.ok;
}

function tell(event: HubJobEvent, session: Session): void {
  if (event.kind === "progress") session.onProgress(progressOf(event.progress));
  if (event.kind === "state") progressOfState(event.job, session);
}

function progressOfState({ progress }: HubJob, session: Session): void {
  if (progress !== undefined) session.onProgress(progressOf(progress));
}

function progressOf(progress: HubJobProgress): Parameters<Session["onProgress"]>[0] {
  return {
    phase: progress.step === "publish" ? "finish" : "read",
    entries: progress.layers,
    entriesTotal: progress.layers_total,
    bytes: progress.bytes,
    bytesTotal: progress.bytes_total,
  };
}
