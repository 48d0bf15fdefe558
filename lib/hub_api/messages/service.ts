/**
 * Messages about the hub itself.
 *
 * @module
 */

import * as z from "zod";

/** `GET /api/v1`, by which rfs's clients know a hub. */
export const ServiceAnswer = z.object({ msg: z.string() }).meta({ id: "ServiceAnswer" });

/** `GET /health`: that the process answers. */
export const HealthAnswer = z.object({ status: z.literal("ok"), version: z.string().optional() })
  .meta({ id: "HealthAnswer" });

/** `GET /ready`: whether requests should come here (200) or not (503), and by which parts. */
export const ReadyAnswer = z.object({
  status: z.enum(["ready", "not_ready", "draining"]),
  checks: z.record(z.string(), z.enum(["ok", "failed"])),
}).meta({ id: "ReadyAnswer" });

/** `GET /.well-known/heroservice.json`: what this service is and where its API lies. */
export const HeroServiceAnswer = z.looseObject({
  name: z.string(),
  version: z.string(),
  description: z.string().optional(),
}).meta({ id: "HeroServiceAnswer" });
