/**
 * Messages about flists by name and version, and about what is in them.
 *
 * @module
 */

import * as z from "zod";
import { Count, Digest, FlistName, FlistTag, PageQuery, Time, UserName } from "./common.ts";

/** Who may see a flist. */
export const Visibility = z.enum(["public", "private"]);
/** See {@link Visibility}. */
export type Visibility = z.infer<typeof Visibility>;

/** A flist under a name and tag. */
export const FlistInfo = z.object({
  user: UserName,
  name: FlistName,
  tag: FlistTag,
  digest: Digest.meta({ description: "SHA-256 of the flist" }),
  size: Count.meta({ description: "Bytes of the flist" }),
  visibility: Visibility,
  created_at: Time,
  updated_at: Time,
  title: z.string().optional(),
  description: z.string().optional(),
}).meta({ id: "FlistInfo" });
/** See {@link FlistInfo}. */
export type FlistInfo = z.infer<typeof FlistInfo>;

/** `GET /api/v1/flists`. */
export const FlistsQuery = PageQuery.extend({
  query: z.string().max(256).optional()
    .meta({ description: "Text in the name, the tag or the description" }),
  user: UserName.optional(),
});

/** Answer to {@link FlistsQuery}: what the caller may see, by user, name and tag. */
export const FlistsAnswer = z.object({
  flists: z.array(FlistInfo),
  total: Count,
  page: Count,
  per_page: Count,
}).meta({ id: "FlistsAnswer" });

/** A flist without its tag, in the path. */
export const FlistNameParams = z.object({ user: UserName, name: FlistName });

/** A flist, in the path. */
export const FlistParams = FlistNameParams.extend({ tag: FlistTag });

/** A flist's digest, in the path. */
export const FlistDigestParams = z.object({ sha256: Digest });

/** `PUT /api/v1/flists/{user}/{name}/{tag}`: who may see it; a new one is private else. */
export const PutFlistQuery = z.object({ visibility: Visibility.optional() });

/** `PATCH` of a flist. */
export const ChangeFlistRequest = z.object({ visibility: Visibility })
  .meta({ id: "ChangeFlistRequest" });

/** That a tag came to stand for a flist, or for none. */
export const FlistEvent = z.object({
  tag: FlistTag,
  digest: Digest.optional().meta({ description: "Missing where the tag was removed" }),
  size: Count.optional(),
  at: Time,
  actor: UserName.optional(),
}).meta({ id: "FlistEvent" });
/** See {@link FlistEvent}. */
export type FlistEvent = z.infer<typeof FlistEvent>;

/** `GET /api/v1/flists/{user}/{name}`: the tags by name, and what they stood for, newest first. */
export const FlistHistoryAnswer = z.object({
  user: UserName,
  name: FlistName,
  tags: z.array(FlistInfo),
  history: z.array(FlistEvent),
}).meta({ id: "FlistHistoryAnswer" });
/** See {@link FlistHistoryAnswer}. */
export type FlistHistoryAnswer = z.infer<typeof FlistHistoryAnswer>;

/** `GET …/tree`: which directory, and where to go on. */
export const TreeQuery = z.object({
  path: z.string().max(16_384).default("/")
    .meta({ description: "Directory; a byte that is not UTF-8 is U+DC00 + byte" }),
  cursor: z.string().max(4096).optional()
    .meta({ description: "From the page before; an empty one is as none" }),
  per_page: z.coerce.number().int().min(1).max(10_000).default(1000),
});

/** An entry of a directory. Names are byte strings: a byte that is not UTF-8 is U+DC00 + byte. */
export const FlistTreeEntry = z.object({
  name: z.string(),
  kind: z.enum([
    "file",
    "directory",
    "symlink",
    "fifo",
    "socket",
    "char-device",
    "block-device",
  ]),
  mode: z.string().meta({ description: "Permission bits in octal", example: "0644" }),
  uid: Count,
  gid: Count,
  size: Count,
  mtime: z.string().meta({
    description: "UTC with nanoseconds",
    example: "2026-11-22T12:00:00.000000000Z",
  }),
  link_target: z.string().optional(),
  hard_link_to: z.string().optional(),
  device: z.object({ major: Count, minor: Count }).optional(),
  digest: z.string().optional(),
}).meta({ id: "FlistTreeEntry" });
/** See {@link FlistTreeEntry}. */
export type FlistTreeEntry = z.infer<typeof FlistTreeEntry>;

/** Answer to {@link TreeQuery}: entries in the order of their names' bytes. */
export const TreeAnswer = z.object({
  path: z.string(),
  entries: z.array(FlistTreeEntry),
  cursor: z.string().optional().meta({ description: "Gets the next page; missing on the last" }),
}).meta({ id: "TreeAnswer" });

/** `GET …/inspect`: a flist in numbers. */
export const InspectAnswer = z.object({
  digest: Digest,
  size: Count,
  profile: z.string(),
  version: z.int().optional(),
  files: Count,
  directories: Count,
  symlinks: Count,
  specials: Count,
  hard_links: Count,
  content_bytes: Count,
  chunks: Count,
  referenced_bytes: Count.optional(),
  tags: z.record(z.string(), z.string()),
  routes: z.array(z.object({ start: Count.max(255), end: Count.max(255), url: z.string() })),
}).meta({ id: "InspectAnswer" });
/** See {@link InspectAnswer}. */
export type InspectAnswer = z.infer<typeof InspectAnswer>;

/** A flist as rfs lists it. */
export const RfsFlist = z.object({
  name: z.string().meta({ example: "debian-12.fl" }),
  path_uri: z.string().meta({ description: "URL of the flist" }),
  is_file: z.boolean(),
  size: Count,
  last_modified: z.int().meta({ description: "Seconds since 1970" }),
  progress: z.number(),
}).meta({ id: "RfsFlist" });

/** `GET /api/v1/fl`: by user. */
export const RfsFlistsAnswer = z.record(z.string(), z.array(RfsFlist))
  .meta({ id: "RfsFlistsAnswer" });

/** Path of a flist in the URL of a preview, percent-encoded: `flists%2Fuser%2Fname.fl`. */
export const RfsPreviewParams = z.object({ path: z.string().max(1024) });

/** `GET /api/v1/fl/preview/{path}`. */
export const RfsPreviewAnswer = z.object({
  content: z.array(z.string()),
  metadata: z.string(),
  checksum: z.string().meta({ description: "SHA-256 of the flist" }),
}).meta({ id: "RfsPreviewAnswer" });
