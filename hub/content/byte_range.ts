/**
 * Which part of something a request asks for, and whether the caller has it already (RFC 9110).
 *
 * @module
 */

import { HubProblem } from "../../lib/hub_api/problem.ts";

/** Bytes from `start` up to `end`, exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that a `Range` header asks for; undefined for all of it: no header, another unit, or
 * several ranges, which may be ignored.
 *
 * @param ifRange The header `If-Range`: where it names another `etag`, all is wanted.
 * @throws {HubProblem} 416 when the part lies behind the end.
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
  etag: string,
  ifRange: string | undefined,
): ByteRange | undefined {
  if (header === undefined || ifRange !== undefined && ifRange.trim() !== etag) return undefined;
  const parts = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header);
  if (parts === null) return undefined;
  const [, first, last] = parts as unknown as [string, string, string];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw notSatisfiable(size);
    return { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) throw notSatisfiable(size);
  return { start, end };
}

function notSatisfiable(size: number): HubProblem {
  return new HubProblem(
    416,
    "range_not_satisfiable",
    "There is nothing in that range",
    `It has ${size} bytes`,
  );
}

/** Whether an `If-None-Match` header names `etag`, strongly or weakly. */
export function isNotModified(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" ||
    header.split(",").some((text) => text.trim().replace(/^W\//, "") === etag);
}
