/**
 * What many messages of the hub are made of. The schemas are plain zod: their `meta` becomes the
 * OpenAPI document on the hub, and nothing here knows a web framework.
 *
 * @module
 */

import * as z from "zod";

/** Rows that a page of rfs's lists has at most. */
export const RFS_PAGE_SIZE_MAX = 100;

/** A digest of 32 bytes as it stands in URLs and messages: lower-case hexadecimal. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/).meta({
  description: "Digest of 32 bytes in lower-case hexadecimal",
  example: "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8",
});

/** A point in time. */
export const Time = z.iso.datetime().meta({
  description: "Time in UTC, as of ISO 8601",
  example: "2026-11-24T12:00:00.000Z",
});

/** A whole number that is not negative, such as a size in bytes. */
export const Count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** The name of a user, which is also the namespace of their flists. */
export const UserName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/).meta({
  description: "Name of a user, and of the namespace of their flists",
  example: "alice",
});

/** The name of a flist inside its user's namespace, without `.fl`. */
export const FlistName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/).meta({
  description: "Name of a flist",
  example: "debian-12",
});

/** The tag of a flist: one version of what has the name. */
export const FlistTag = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/).meta({
  description: "Tag of a flist: which version of it",
  example: "latest",
});

/** What a token may do. Who may write may read, and who may administer may do both. */
export const Scope = z.enum(["read", "write", "admin"]).meta({ description: "What is permitted" });
/** See {@link Scope}. */
export type Scope = z.infer<typeof Scope>;

/** What a user is. */
export const Role = z.enum(["user", "admin"]).meta({ description: "Role of a user" });
/** See {@link Role}. */
export type Role = z.infer<typeof Role>;

/** A whole number in a path or a query, which has to be there. */
export function numberIn(maximum: number, description: string): z.ZodType<number, string> {
  const number = z.int().min(0).max(maximum);
  return z.string().regex(/^\d{1,10}$/).transform(Number).pipe(number)
    .meta({ description, param: { required: true }, type: "integer", minimum: 0, maximum });
}

/** Which part of a list, as rfs asks for it. A larger page than the hub gives is cut to its limit. */
export const PageQuery = z.object({
  page: z.coerce.number().int().min(1).max(1_000_000_000).default(1)
    .meta({ description: "Which page, from 1" }),
  per_page: z.coerce.number().int().min(1).max(1_000_000_000).default(50)
    .meta({ description: "Rows a page; the hub gives 100 at most" }),
});

/** A digest in the path. */
export const HashParams = z.object({ hash: Digest });

/** A sentence for people. */
export const Message = z.object({ message: z.string() }).meta({ id: "Message" });
