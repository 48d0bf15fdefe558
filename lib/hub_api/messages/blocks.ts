/**
 * Messages about blocks. The first half is rfs's, to the letter.
 *
 * @module
 */

import * as z from "zod";
import { IDS_A_REQUEST_MAX } from "../limits.ts";
import { Count, Digest, numberIn } from "./common.ts";

/** `POST /api/v1/block`: of which file the block is, and which one; empty where it is of none. */
export const UploadBlockQuery = z.object({
  file_hash: z.string().regex(/^([0-9a-f]{64})?$/)
    .meta({ description: "Hash of the file that the block is of; empty where there is none" }),
  idx: numberIn(2_147_483_647, "Which block of the file, from 0"),
});

/** Answer to a block that was stored (201) or was there (200). */
export const UploadBlockAnswer = z.object({ hash: Digest, message: z.string() })
  .meta({ id: "UploadBlockAnswer" });

/** `POST /api/v1/block/verify`: blocks, each of a file or of none. */
export const VerifyBlocksRequest = z.object({
  blocks: z.array(z.object({
    block_hash: z.string().max(256),
    file_hash: z.string().max(256),
    block_index: Count,
  })).max(100_000),
}).meta({ id: "VerifyBlocksRequest" });

/** Blocks that are not there. */
export const MissingBlocksAnswer = z.object({ missing: z.array(z.string()) })
  .meta({ id: "MissingBlocksAnswer" });

/** `GET /api/v1/blocks`. */
export const BlocksAnswer = z.object({
  blocks: z.array(Digest),
  total: Count,
  page: Count,
  per_page: Count,
}).meta({ id: "BlocksAnswer" });

/** `GET /api/v1/blocks/{hash}`: the blocks of a file, or the block itself, each with its index. */
export const BlocksOfFileAnswer = z.object({ blocks: z.array(z.tuple([Digest, Count])) })
  .meta({ id: "BlocksOfFileAnswer" });

/** `GET /api/v1/block/{hash}/downloads`. */
export const BlockDownloadsAnswer = z.object({
  block_hash: Digest,
  downloads_count: Count,
  block_size: Count,
}).meta({ id: "BlockDownloadsAnswer" });
/** See {@link BlockDownloadsAnswer}. */
export type BlockDownloadsAnswer = z.infer<typeof BlockDownloadsAnswer>;

/** `GET /api/v1/user/blocks`: blocks of the caller, each with its size in bytes. */
export const UserBlocksAnswer = z.object({
  blocks: z.array(z.tuple([Digest, Count])),
  total: Count.meta({ description: "Blocks of the caller" }),
  all_blocks: Count.meta({ description: "Blocks of all users" }),
}).meta({ id: "UserBlocksAnswer" });

/** `POST /api/v1/blocks/missing` and `/download`: many blocks. */
export const BlockListRequest = z.object({ blocks: z.array(Digest).max(IDS_A_REQUEST_MAX) })
  .meta({ id: "BlockListRequest" });

/** Answer to `POST /api/v1/blocks/upload`: how many were stored, were there, and both together. */
export const UploadBlocksAnswer = z.object({ stored: Count, present: Count, blocks: Count })
  .meta({ id: "UploadBlocksAnswer" });
