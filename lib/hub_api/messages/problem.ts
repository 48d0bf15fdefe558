/**
 * The body of an answer that says what went wrong: `application/problem+json` (RFC 9457).
 *
 * @module
 */

import * as z from "zod";
import { HUB_PROBLEM_CODES } from "../problem.ts";

/** What went wrong. Clients go by `code`, which never changes; rfs's go by the status. */
export const Problem = z.object({
  type: z.string().default("about:blank").meta({ description: "A URI that names the problem" }),
  title: z.string().meta({ description: "The problem in a few words" }),
  status: z.int().min(400).max(599),
  code: z.string().meta({
    description: "Stable name of the problem",
    examples: [...HUB_PROBLEM_CODES],
  }),
  detail: z.string().optional().meta({ description: "What is known about this case" }),
  request_id: z.string().optional().meta({ description: "Under which the hub logged it" }),
}).meta({ id: "Problem" });
/** See {@link Problem}. */
export type Problem = z.infer<typeof Problem>;
