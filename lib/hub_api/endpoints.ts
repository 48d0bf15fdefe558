/**
 * Every request that a hub answers: method, path, what it takes and what it says. The hub makes its
 * routes and its OpenAPI document of this table, the client its requests.
 *
 * @module
 */

import type * as z from "zod";
import { BLOCK_STREAM_MEDIA_TYPE } from "./block_stream.ts";
import * as messages from "./messages/mod.ts";

/** What an answer of some status is. */
export interface HubAnswer {
  readonly description: string;
  /** Of an answer in JSON. */
  readonly schema?: z.ZodType;
  /** Of an answer that is not JSON. */
  readonly mediaType?: string;
}

/** A request and its answers. */
export interface HubEndpoint {
  readonly method: "get" | "head" | "post" | "put" | "patch" | "delete";
  /** As OpenAPI writes it, with parameters in braces. */
  readonly path: string;
  readonly summary: string;
  /** What the document groups it under. */
  readonly group: "service" | "accounts" | "blocks" | "files" | "flists" | "jobs" | "rfs";
  /**
   * What a token must permit. `none`: anybody; `optional`: what the caller may see decides;
   * `signed-in`: any token.
   */
  readonly scope: "none" | "optional" | "signed-in" | messages.Scope;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Of a body in JSON. */
  readonly body?: z.ZodType;
  /** Of a body that is not JSON. */
  readonly bodyMediaType?: string;
  /** Answers of success by status. All others are problems. */
  readonly answers: Readonly<Record<number, HubAnswer>>;
}

const BYTES = "application/octet-stream";
const FLIST = "application/vnd.sqlite3";

/** Media type of a flist. */
export const FLIST_MEDIA_TYPE = FLIST;

const json = (description: string, schema: z.ZodType): HubAnswer => ({ description, schema });
const bytes = (description: string, mediaType: string = BYTES): HubAnswer => ({
  description,
  mediaType,
});
const DONE: HubAnswer = { description: "Done" };
const NOT_MODIFIED: HubAnswer = { description: "The caller has it as it is" };
const PART = bytes("The part that was asked for");

/** The requests by name. */
export const HUB_ENDPOINTS = {
  health: {
    method: "get",
    path: "/health",
    summary: "Whether the process answers",
    group: "service",
    scope: "none",
    answers: { 200: json("It does", messages.HealthAnswer) },
  },
  ready: {
    method: "get",
    path: "/ready",
    summary: "Whether requests should come here",
    group: "service",
    scope: "none",
    answers: { 200: json("They should", messages.ReadyAnswer) },
  },
  metrics: {
    method: "get",
    path: "/metrics",
    summary: "Counters for Prometheus",
    group: "service",
    scope: "none",
    answers: { 200: bytes("The counters", "text/plain") },
  },
  heroService: {
    method: "get",
    path: "/.well-known/heroservice.json",
    summary: "What this service is",
    group: "service",
    scope: "none",
    answers: { 200: json("What it is", messages.HeroServiceAnswer) },
  },
  service: {
    method: "get",
    path: "/api/v1",
    summary: "That this is a hub",
    group: "rfs",
    scope: "none",
    answers: { 200: json("It is", messages.ServiceAnswer) },
  },

  signIn: {
    method: "post",
    path: "/api/v1/signin",
    summary: "Signs in",
    group: "accounts",
    scope: "none",
    body: messages.SignInRequest,
    answers: { 201: json("Signed in", messages.SignInAnswer) },
  },
  refreshToken: {
    method: "post",
    path: "/api/v1/token/refresh",
    summary: "Gets the next access token",
    group: "accounts",
    scope: "none",
    body: messages.RefreshRequest,
    answers: { 200: json("The next tokens", messages.SignInAnswer) },
  },
  signOut: {
    method: "post",
    path: "/api/v1/signout",
    summary: "Ends the caller's tokens",
    group: "accounts",
    scope: "none",
    body: messages.SignOutRequest,
    answers: { 204: DONE },
  },
  me: {
    method: "get",
    path: "/api/v1/me",
    summary: "Who the caller is, and what they may do",
    group: "accounts",
    scope: "signed-in",
    answers: { 200: json("The caller", messages.MeAnswer) },
  },
  tokens: {
    method: "get",
    path: "/api/v1/tokens",
    summary: "The caller's API tokens",
    group: "accounts",
    scope: "signed-in",
    answers: { 200: json("The tokens, without their secrets", messages.TokensAnswer) },
  },
  createToken: {
    method: "post",
    path: "/api/v1/tokens",
    summary: "Makes an API token",
    group: "accounts",
    scope: "signed-in",
    body: messages.CreateTokenRequest,
    answers: { 201: json("The token, shown this once", messages.CreateTokenAnswer) },
  },
  revokeToken: {
    method: "delete",
    path: "/api/v1/tokens/{id}",
    summary: "Ends an API token",
    group: "accounts",
    scope: "signed-in",
    params: messages.TokenParams,
    answers: { 204: DONE },
  },
  users: {
    method: "get",
    path: "/api/v1/users",
    summary: "All users",
    group: "accounts",
    scope: "admin",
    query: messages.PageQuery,
    answers: { 200: json("The users by name", messages.UsersAnswer) },
  },
  createUser: {
    method: "post",
    path: "/api/v1/users",
    summary: "Makes a user",
    group: "accounts",
    scope: "admin",
    body: messages.CreateUserRequest,
    answers: { 201: json("The user", messages.UserInfo) },
  },
  changeUser: {
    method: "patch",
    path: "/api/v1/users/{name}",
    summary: "Changes a user",
    group: "accounts",
    scope: "admin",
    params: messages.UserParams,
    body: messages.ChangeUserRequest,
    answers: { 200: json("The user", messages.UserInfo) },
  },
  audit: {
    method: "get",
    path: "/api/v1/audit",
    summary: "What changed, and who did it",
    group: "accounts",
    scope: "admin",
    query: messages.AuditQuery,
    answers: { 200: json("The newest first", messages.AuditAnswer) },
  },

  uploadBlock: {
    method: "post",
    path: "/api/v1/block",
    summary: "Stores a block under its BLAKE2b digest",
    group: "rfs",
    scope: "write",
    query: messages.UploadBlockQuery,
    bodyMediaType: BYTES,
    answers: {
      200: json("It was there", messages.UploadBlockAnswer),
      201: json("It is stored", messages.UploadBlockAnswer),
    },
  },
  verifyBlocks: {
    method: "post",
    path: "/api/v1/block/verify",
    summary: "Which blocks are missing",
    group: "rfs",
    scope: "optional",
    body: messages.VerifyBlocksRequest,
    answers: { 200: json("Those that are", messages.MissingBlocksAnswer) },
  },
  getBlock: {
    method: "get",
    path: "/api/v1/block/{hash}",
    summary: "Gets a block",
    group: "rfs",
    scope: "optional",
    params: messages.HashParams,
    answers: { 200: bytes("The block"), 206: PART, 304: NOT_MODIFIED },
  },
  hasBlock: {
    method: "head",
    path: "/api/v1/block/{hash}",
    summary: "Whether there is a block",
    group: "rfs",
    scope: "optional",
    params: messages.HashParams,
    answers: { 200: { description: "There is" }, 304: NOT_MODIFIED },
  },
  putBlock: {
    method: "put",
    path: "/api/v1/block/{hash}",
    summary: "Stores a block under its BLAKE3 or BLAKE2b digest",
    group: "blocks",
    scope: "write",
    params: messages.HashParams,
    bodyMediaType: BYTES,
    answers: {
      200: json("It was there", messages.UploadBlockAnswer),
      201: json("It is stored", messages.UploadBlockAnswer),
    },
  },
  deleteBlock: {
    method: "delete",
    path: "/api/v1/block/{hash}",
    summary: "Gives up a block; it goes when nothing needs it",
    group: "blocks",
    scope: "write",
    params: messages.HashParams,
    answers: { 204: DONE },
  },
  blockDownloads: {
    method: "get",
    path: "/api/v1/block/{hash}/downloads",
    summary: "How often a block was downloaded",
    group: "rfs",
    scope: "optional",
    params: messages.HashParams,
    answers: { 200: json("How often", messages.BlockDownloadsAnswer) },
  },
  blocks: {
    method: "get",
    path: "/api/v1/blocks",
    summary: "The blocks that the caller may know of",
    group: "rfs",
    scope: "optional",
    query: messages.PageQuery,
    answers: { 200: json("A page of them", messages.BlocksAnswer) },
  },
  blocksOfFile: {
    method: "get",
    path: "/api/v1/blocks/{hash}",
    summary: "The blocks of a file, or the block itself",
    group: "rfs",
    scope: "optional",
    params: messages.HashParams,
    answers: { 200: json("The blocks in order", messages.BlocksOfFileAnswer) },
  },
  userBlocks: {
    method: "get",
    path: "/api/v1/user/blocks",
    summary: "The caller's blocks",
    group: "rfs",
    scope: "read",
    query: messages.PageQuery,
    answers: { 200: json("A page of them", messages.UserBlocksAnswer) },
  },
  missingBlocks: {
    method: "post",
    path: "/api/v1/blocks/missing",
    summary: "Which of many blocks have to be uploaded",
    group: "blocks",
    scope: "write",
    body: messages.BlockListRequest,
    answers: { 200: json("Those that have to", messages.MissingBlocksAnswer) },
  },
  uploadBlocks: {
    method: "post",
    path: "/api/v1/blocks/upload",
    summary: "Stores many blocks",
    group: "blocks",
    scope: "write",
    bodyMediaType: BLOCK_STREAM_MEDIA_TYPE,
    answers: { 200: json("All are stored", messages.UploadBlocksAnswer) },
  },
  downloadBlocks: {
    method: "post",
    path: "/api/v1/blocks/download",
    summary: "Gets many blocks",
    group: "blocks",
    scope: "optional",
    body: messages.BlockListRequest,
    answers: { 200: bytes("The blocks, in any order", BLOCK_STREAM_MEDIA_TYPE) },
  },

  uploadFile: {
    method: "post",
    path: "/api/v1/file",
    summary: "Stores a file",
    group: "rfs",
    scope: "write",
    bodyMediaType: BYTES,
    answers: { 201: json("It is stored", messages.UploadFileAnswer) },
  },
  getFile: {
    method: "get",
    path: "/api/v1/file/{hash}",
    summary: "Gets a file by its SHA-256",
    group: "rfs",
    scope: "optional",
    params: messages.HashParams,
    answers: { 200: bytes("The file"), 206: PART, 304: NOT_MODIFIED },
  },
  hasFile: {
    method: "head",
    path: "/api/v1/file/{hash}",
    summary: "Whether there is a file",
    group: "files",
    scope: "optional",
    params: messages.HashParams,
    answers: { 200: { description: "There is" }, 304: NOT_MODIFIED },
  },
  keepFile: {
    method: "post",
    path: "/api/v1/file/{hash}/keep",
    summary: "Makes a file that the hub has the caller's as well",
    group: "files",
    scope: "write",
    params: messages.HashParams,
    answers: { 200: json("It is the caller's", messages.UploadFileAnswer) },
  },
  deleteFile: {
    method: "delete",
    path: "/api/v1/file/{hash}",
    summary: "Gives up a file; it goes when nobody else has it",
    group: "files",
    scope: "write",
    params: messages.HashParams,
    answers: { 204: DONE },
  },
  createUpload: {
    method: "post",
    path: "/api/v1/uploads",
    summary: "Starts an upload in parts, or finds the same one under way",
    group: "files",
    scope: "write",
    body: messages.CreateUploadRequest,
    answers: {
      200: json("It is under way", messages.UploadAnswer),
      201: json("It is started", messages.UploadAnswer),
    },
  },
  getUpload: {
    method: "get",
    path: "/api/v1/uploads/{id}",
    summary: "Which parts of an upload are there",
    group: "files",
    scope: "write",
    params: messages.UploadParams,
    answers: { 200: json("Those that are", messages.UploadAnswer) },
  },
  putUploadPart: {
    method: "put",
    path: "/api/v1/uploads/{id}/parts/{n}",
    summary: "Stores a part",
    group: "files",
    scope: "write",
    params: messages.UploadPartParams,
    bodyMediaType: BYTES,
    answers: { 204: DONE },
  },
  commitUpload: {
    method: "post",
    path: "/api/v1/uploads/{id}/commit",
    summary: "Makes a file, or a flist, of the parts",
    group: "files",
    scope: "write",
    params: messages.UploadParams,
    body: messages.CommitUploadRequest,
    answers: { 201: json("It is stored", messages.UploadFileAnswer) },
  },
  deleteUpload: {
    method: "delete",
    path: "/api/v1/uploads/{id}",
    summary: "Gives up an upload",
    group: "files",
    scope: "write",
    params: messages.UploadParams,
    answers: { 204: DONE },
  },

  flists: {
    method: "get",
    path: "/api/v1/flists",
    summary: "The flists that the caller may see",
    group: "flists",
    scope: "optional",
    query: messages.FlistsQuery,
    answers: { 200: json("A page of them", messages.FlistsAnswer) },
  },
  flistHistory: {
    method: "get",
    path: "/api/v1/flists/{user}/{name}",
    summary: "The tags of a flist, and what they stood for",
    group: "flists",
    scope: "optional",
    params: messages.FlistNameParams,
    answers: { 200: json("Tags and history", messages.FlistHistoryAnswer) },
  },
  getFlist: {
    method: "get",
    path: "/api/v1/flists/{user}/{name}/{tag}",
    summary: "Gets a flist",
    group: "flists",
    scope: "optional",
    params: messages.FlistParams,
    answers: { 200: bytes("The flist", FLIST), 206: PART, 304: NOT_MODIFIED },
  },
  hasFlist: {
    method: "head",
    path: "/api/v1/flists/{user}/{name}/{tag}",
    summary: "Which digest a flist has: its ETag",
    group: "flists",
    scope: "optional",
    params: messages.FlistParams,
    answers: { 200: { description: "There is one" }, 304: NOT_MODIFIED },
  },
  putFlist: {
    method: "put",
    path: "/api/v1/flists/{user}/{name}/{tag}",
    summary: "Publishes a flist",
    group: "flists",
    scope: "write",
    params: messages.FlistParams,
    query: messages.PutFlistQuery,
    bodyMediaType: FLIST,
    answers: {
      200: json("The tag stands for it", messages.FlistInfo),
      201: json("The tag is new", messages.FlistInfo),
    },
  },
  changeFlist: {
    method: "patch",
    path: "/api/v1/flists/{user}/{name}/{tag}",
    summary: "Changes who may see a flist",
    group: "flists",
    scope: "write",
    params: messages.FlistParams,
    body: messages.ChangeFlistRequest,
    answers: { 200: json("As it is now", messages.FlistInfo) },
  },
  deleteFlist: {
    method: "delete",
    path: "/api/v1/flists/{user}/{name}/{tag}",
    summary: "Removes a tag",
    group: "flists",
    scope: "write",
    params: messages.FlistParams,
    answers: { 204: DONE },
  },
  getFlistByDigest: {
    method: "get",
    path: "/api/v1/flists/digest/{sha256}",
    summary: "Gets a flist by its SHA-256",
    group: "flists",
    scope: "optional",
    params: messages.FlistDigestParams,
    answers: { 200: bytes("The flist", FLIST), 206: PART, 304: NOT_MODIFIED },
  },
  flistTree: {
    method: "get",
    path: "/api/v1/flists/{user}/{name}/{tag}/tree",
    summary: "A directory of a flist",
    group: "flists",
    scope: "optional",
    params: messages.FlistParams,
    query: messages.TreeQuery,
    answers: { 200: json("A page of its entries", messages.TreeAnswer) },
  },
  inspectFlist: {
    method: "get",
    path: "/api/v1/flists/{user}/{name}/{tag}/inspect",
    summary: "A flist in numbers",
    group: "flists",
    scope: "optional",
    params: messages.FlistParams,
    answers: { 200: json("The numbers", messages.InspectAnswer) },
  },

  rfsFlists: {
    method: "get",
    path: "/api/v1/fl",
    summary: "The flists by user, as rfs lists them",
    group: "rfs",
    scope: "optional",
    answers: { 200: json("By user", messages.RfsFlistsAnswer) },
  },
  rfsPreview: {
    method: "get",
    path: "/api/v1/fl/preview/{path}",
    summary: "All paths in a flist, as rfs shows them",
    group: "rfs",
    scope: "optional",
    params: messages.RfsPreviewParams,
    answers: { 200: json("The paths", messages.RfsPreviewAnswer) },
  },
  convert: {
    method: "post",
    path: "/api/v1/fl",
    summary: "Starts to make a flist of a container image",
    group: "rfs",
    scope: "write",
    body: messages.ConversionRequest,
    answers: { 201: json("The job that does it", messages.ConversionAnswer) },
  },
  rfsJob: {
    method: "get",
    path: "/api/v1/fl/{job_id}",
    summary: "How far a job is, as rfs says it; 500 where it has failed",
    group: "rfs",
    scope: "read",
    params: messages.RfsJobParams,
    answers: { 200: json("How far it is", messages.RfsJobAnswer) },
  },

  jobs: {
    method: "get",
    path: "/api/v1/jobs",
    summary: "The caller's jobs",
    group: "jobs",
    scope: "read",
    query: messages.JobsQuery,
    answers: { 200: json("A page of them, the newest first", messages.JobsAnswer) },
  },
  job: {
    method: "get",
    path: "/api/v1/jobs/{id}",
    summary: "A job",
    group: "jobs",
    scope: "read",
    params: messages.JobParams,
    answers: { 200: json("As it is now", messages.JobInfo) },
  },
  jobEvents: {
    method: "get",
    path: "/api/v1/jobs/{id}/events",
    summary: "What happens in a job, as server-sent events; Last-Event-ID goes on after that one",
    group: "jobs",
    scope: "read",
    params: messages.JobParams,
    query: messages.JobLogQuery,
    answers: {
      200: bytes("Events: state, progress and log", "text/event-stream"),
      204: { description: "The job has ended, and there is nothing more" },
    },
  },
  jobLog: {
    method: "get",
    path: "/api/v1/jobs/{id}/log",
    summary: "What a job says of itself",
    group: "jobs",
    scope: "read",
    params: messages.JobParams,
    query: messages.JobLogQuery,
    answers: { 200: json("Its lines", messages.JobLogAnswer) },
  },
  cancelJob: {
    method: "post",
    path: "/api/v1/jobs/{id}/cancel",
    summary: "Ends a job; what it stored is given up",
    group: "jobs",
    scope: "write",
    params: messages.JobParams,
    answers: { 200: json("As it is now", messages.JobInfo) },
  },
  retryJob: {
    method: "post",
    path: "/api/v1/jobs/{id}/retry",
    summary: "Starts a job again that failed or was canceled",
    group: "jobs",
    scope: "write",
    params: messages.JobParams,
    body: messages.JobCredentials,
    answers: { 200: json("As it is now", messages.JobInfo) },
  },
} as const satisfies Record<string, HubEndpoint>;

/** Name of a request. */
export type HubEndpointName = keyof typeof HUB_ENDPOINTS;
