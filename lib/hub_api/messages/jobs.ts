/**
 * Messages about the conversion of container images by a hub.
 *
 * @module
 */

import * as z from "zod";
import { Count, Digest, FlistName, FlistTag, PageQuery, Time, UserName } from "./common.ts";
import { Visibility } from "./flists.ts";

/** rfs's clients send null for what they have nothing for. */
const text = (
  description: string,
  length = 4096,
): z.ZodOptional<z.ZodNullable<z.ZodString>> =>
  z.string().max(length).nullable().optional().meta({ description });

/** What shows a registry who asks. The hub forgets it when the job ends, and writes it nowhere. */
export const JobCredentials = z.object({
  username: text("Who asks the registry"),
  password: text("Password of `username`"),
  auth: text("Base64 of `user:password`, in place of both"),
  email: text("Not used"),
  server_address: text("The registry that the credentials are for; it has to be the image's"),
  identity_token: text("Refresh token of OAuth 2, in place of a password", 65_536),
  registry_token: text("Token that is shown to the registry as it is", 65_536),
}).meta({ id: "JobCredentials" });
/** See {@link JobCredentials}. */
export type JobCredentials = z.infer<typeof JobCredentials>;

/** `POST /api/v1/fl`: as rfs's, with what this hub takes besides. */
export const ConversionRequest = z.object({
  image_name: z.string().min(1).max(512).meta({
    description: "The image, in a registry",
    example: "docker.io/library/nginx:latest",
  }),
  ...JobCredentials.shape,
  name: FlistName.optional().meta({ description: "Name of the flist; else made of the image's" }),
  tag: FlistTag.optional().meta({ description: "Tag of the flist; else the image's" }),
  visibility: Visibility.optional(),
  platform: z.string().regex(/^[A-Za-z0-9]+\/[A-Za-z0-9_-]+(?:\/[A-Za-z0-9.]+)?$/).max(64)
    .optional().meta({ description: "Which of the image's platforms", example: "linux/arm64" }),
  profile: z.enum(["myfs", "rfs"]).optional().meta({ description: "How blocks are made" }),
  replace: z.boolean().optional()
    .meta({ description: "Whether the flist may be there, and is replaced" }),
}).meta({ id: "ConversionRequest" });
/** See {@link ConversionRequest}. */
export type ConversionRequest = z.infer<typeof ConversionRequest>;

/** Id of a job. */
export const JobId = z.string().min(1).max(64).regex(/^[A-Za-z0-9_-]+$/)
  .meta({ description: "Id of a job", example: "0c9e5c2e-0a8f-4b7e-9d15-6a2f1c1b8d3e" });

/** Answer to {@link ConversionRequest}. */
export const ConversionAnswer = z.object({ id: JobId }).meta({ id: "ConversionAnswer" });

/** A job, in the path of rfs's request. */
export const RfsJobParams = z.object({ job_id: JobId });

/** A job, in the path. */
export const JobParams = z.object({ id: JobId });

/** `GET /api/v1/fl/{job_id}`, as rfs's: exactly one of these. */
export const RfsJobAnswer = z.object({
  flist_state: z.union([
    z.object({ Accepted: z.string() }),
    z.object({ Started: z.string() }),
    z.object({
      InProgress: z.object({
        msg: z.string(),
        progress: z.number().min(0).max(100).meta({ description: "In percent" }),
      }),
    }),
    z.object({ Created: z.string() }),
  ]),
}).meta({ id: "RfsJobAnswer" });

/**
 * Where a job is: `queued` and `running` go on, the others have ended. A job whose hub ended goes back
 * to `queued`.
 */
export const JobState = z.enum(["queued", "running", "finished", "failed", "canceled"]);
/** See {@link JobState}. */
export type JobState = z.infer<typeof JobState>;

/** How far a conversion is. */
export const JobProgress = z.object({
  step: z.enum(["open", "read", "publish"]).meta({
    description: "Asks for the image, reads and stores its layers, or publishes the flist",
  }),
  percent: z.number().min(0).max(100),
  bytes: Count.meta({ description: "Bytes of the layers that came, as the registry has them" }),
  bytes_total: Count,
  layers: Count.meta({ description: "Layers that were read" }),
  layers_total: Count,
}).meta({ id: "JobProgress" });
/** See {@link JobProgress}. */
export type JobProgress = z.infer<typeof JobProgress>;

/** Why a job failed. */
export const JobError = z.object({
  code: z.string().meta({ description: "Stable name of the reason", example: "image_not_found" }),
  message: z.string(),
}).meta({ id: "JobError" });
/** See {@link JobError}. */
export type JobError = z.infer<typeof JobError>;

/** A conversion. */
export const JobInfo = z.object({
  id: JobId,
  user: UserName.meta({ description: "Whose it is, and in whose namespace the flist will be" }),
  image: z.string(),
  name: FlistName.meta({ description: "Name of the flist" }),
  tag: FlistTag.meta({ description: "Tag of the flist" }),
  profile: z.enum(["myfs", "rfs"]),
  platform: z.string().optional(),
  state: JobState,
  attempt: Count.meta({ description: "How often it was started" }),
  has_credentials: z.boolean()
    .meta({ description: "Whether it was given credentials, which a retry has to give again" }),
  progress: JobProgress.optional(),
  error: JobError.optional(),
  digest: Digest.optional().meta({ description: "SHA-256 of the flist that it made" }),
  created_at: Time,
  started_at: Time.optional(),
  ended_at: Time.optional(),
}).meta({ id: "JobInfo" });
/** See {@link JobInfo}. */
export type JobInfo = z.infer<typeof JobInfo>;

/** `GET /api/v1/jobs`: the caller's, or for an administrator those of a user or of all. */
export const JobsQuery = PageQuery.extend({
  state: JobState.optional(),
  user: z.union([UserName, z.literal("*")]).optional()
    .meta({ description: "Whose, for administrators; * for all" }),
});

/** Answer to {@link JobsQuery}: the newest first. */
export const JobsAnswer = z.object({
  jobs: z.array(JobInfo),
  total: Count,
  page: Count,
  per_page: Count,
}).meta({ id: "JobsAnswer" });

/** `GET /api/v1/jobs/{id}/log`: from which event on. */
export const JobLogQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0)
    .meta({ description: "Only what came after the event of that number" }),
});

/** A line of a job's log. */
export const JobLogLine = z.object({
  number: Count.meta({ description: "Of the event, in the order of events" }),
  at: Time,
  text: z.string(),
}).meta({ id: "JobLogLine" });
/** See {@link JobLogLine}. */
export type JobLogLine = z.infer<typeof JobLogLine>;

/** Answer to {@link JobLogQuery}: the oldest first. */
export const JobLogAnswer = z.object({ lines: z.array(JobLogLine) }).meta({ id: "JobLogAnswer" });

/**
 * What a job's events are made of: `event: state` comes with a {@link JobInfo}, `progress` with a
 * {@link JobProgress}, `log` with this.
 */
export const JobLogEvent = z.object({ at: Time, text: z.string() }).meta({ id: "JobLogEvent" });
