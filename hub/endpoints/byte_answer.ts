/**
 * Answers that are bytes under a digest: whole, a part, or that the caller has them.
 *
 * @module
 */

import { isNotModified, parseByteRange } from "../content/byte_range.ts";
import type { HubContext } from "../context.ts";

/** What is to be answered. */
export interface ByteContent {
  /** The digest that the ETag is made of. */
  readonly digest: string;
  readonly size: number;
  readonly mediaType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `public` for what anybody may keep for ever. @default as `immutable` says, and private */
  readonly cacheControl: string;
  /** The bytes from `start` up to `end`, exclusive. */
  readonly read: (
    start: number,
    end: number,
  ) => Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>>;
}

/** Kept for ever by everybody: what a digest names never changes. */
export const IMMUTABLE = "public, max-age=31536000, immutable";

/** The same for the caller alone. */
export const PRIVATE_IMMUTABLE = "private, max-age=31536000, immutable";

/** Of what nobody knows more about. */
export const BYTES_MEDIA_TYPE = "application/octet-stream";

/** Asked again each time: what a name stands for may change. */
export const REVALIDATED = "private, no-cache";

/** The ETag of what a digest names. */
export function etagOf(digest: string): string {
  return `"${digest}"`;
}

/** Answers a `GET` or `HEAD`. */
export async function answerBytes(context: HubContext, content: ByteContent): Promise<Response> {
  const { digest, size, mediaType = BYTES_MEDIA_TYPE, cacheControl } = content;
  const etag = etagOf(digest);
  const headers: Record<string, string> = {
    "etag": etag,
    "cache-control": cacheControl,
    "accept-ranges": "bytes",
    ...content.headers,
  };
  if (isNotModified(context.req.header("if-none-match"), etag)) {
    return context.body(null, 304, headers);
  }
  const isHead = context.req.method === "HEAD";
  const range = isHead ? undefined : rangeOf(context, size, etag);
  headers["content-type"] = mediaType;
  const { start, end } = range ?? { start: 0, end: size };
  headers["content-length"] = String(end - start);
  if (isHead) return context.body(null, 200, headers);
  if (range !== undefined) headers["content-range"] = `bytes ${start}-${end - 1}/${size}`;
  const body = size === 0 ? new Uint8Array() : await content.read(start, end);
  return context.body(body, range === undefined ? 200 : 206, headers);
}

function rangeOf(
  context: HubContext,
  size: number,
  etag: string,
): ReturnType<typeof parseByteRange> {
  try {
    return parseByteRange(
      context.req.header("range"),
      size,
      etag,
      context.req.header("if-range"),
    );
  } catch (error) {
    context.header("content-range", `bytes */${size}`);
    throw error;
  }
}
