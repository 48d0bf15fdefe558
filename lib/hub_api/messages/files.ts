/**
 * Messages about files, and about uploads that come in parts.
 *
 * An upload is of known size. Part `n`, from 0, holds the bytes from `n * part_size` on; all parts
 * but the last have `part_size` bytes. Parts come in any order, several at once, and may come again.
 * Whoever starts an upload with the SHA-256 and size of one of their own that is under way gets that
 * one, with the parts that it has: so an interrupted upload goes on without a note of it.
 *
 * @module
 */

import * as z from "zod";
import { Count, Digest, numberIn, Time } from "./common.ts";

/** Answer to a file that was stored. */
export const UploadFileAnswer = z.object({ file_hash: Digest, message: z.string() })
  .meta({ id: "UploadFileAnswer" });

/** `POST /api/v1/uploads`. */
export const CreateUploadRequest = z.object({
  size: Count.meta({ description: "Bytes in all" }),
  sha256: Digest.optional().meta({ description: "SHA-256 of the whole, where it is known" }),
  name: z.string().max(400).optional().meta({
    description: "Name of the file; of a flist, user/name:tag, under which it is published",
  }),
  kind: z.enum(["file", "flist"]).default("file"),
  visibility: z.enum(["public", "private"]).optional().meta({ description: "Of a flist" }),
}).meta({ id: "CreateUploadRequest" });

/** The state of an upload. */
export const UploadAnswer = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  size: Count,
  part_size: z.int().min(1).meta({ description: "Bytes of each part but the last" }),
  parts: z.array(Count).meta({ description: "Numbers of the parts that are there" }),
  expires_at: Time,
  sha256: Digest.optional(),
  kind: z.enum(["file", "flist"]).optional(),
}).meta({ id: "UploadAnswer" });
/** See {@link UploadAnswer}. */
export type UploadAnswer = z.infer<typeof UploadAnswer>;

/** The id of an upload, in the path. */
export const UploadParams = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) });

/** An upload and the number of a part, in the path. */
export const UploadPartParams = UploadParams.extend({
  n: numberIn(1_000_000, "Which part, from 0"),
});

/** `POST /api/v1/uploads/{id}/commit`. */
export const CommitUploadRequest = z.object({ sha256: Digest }).meta({ id: "CommitUploadRequest" });
