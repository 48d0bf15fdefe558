/**
 * What every part of a running hub has, and what belongs to one request.
 *
 * @module
 */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Kysely } from "kysely";
import type { Store } from "myfs";
import type { Accounts } from "./accounts/accounts.ts";
import type { AuditLog, Origin } from "./accounts/audit_log.ts";
import type { Caller } from "./accounts/caller.ts";
import type { Content } from "./content/content.ts";
import type { HubConfig } from "./config/load_config.ts";
import type { HubTables } from "./database/tables.ts";
import type { Log } from "./log.ts";
import type { HubMetrics } from "./metrics.ts";

/** A running hub. */
export interface Hub {
  readonly config: HubConfig;
  readonly database: Kysely<HubTables>;
  readonly store: Store;
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  /** Blocks, files, uploads and flists. */
  readonly content: Content;
  readonly log: Log;
  readonly metrics: HubMetrics;
  readonly state: HubState;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where endpoints note what changed, and what went wrong. */
export interface Notes {
  readonly audit: Pick<AuditLog, "record">;
  readonly log: Log;
}

/** What changes in the life of a process. */
export interface HubState {
  /** Whether the process is about to end, and takes no new requests. */
  isDraining: boolean;
}

/** What belongs to one request. */
export interface HubVariables {
  /** Who sends it; undefined where no token came with it. */
  caller: Caller | undefined;
  requestId: string;
  /** Where it came from: the peer, or whom a trusted proxy names. */
  address: string;
  /** Path of the endpoint that answered, as the OpenAPI document has it. */
  endpoint: string | undefined;
  /** What was wrong about the body while it came in. */
  bodyProblem: Error | undefined;
}

/** A request that `blockListener` began and counted, and why it could not answer. */
export interface Begun {
  readonly failure: unknown;
}

/** Hono's types of the hub. */
export interface HubEnvironment {
  readonly Variables: HubVariables;
  readonly Bindings: {
    readonly remoteAddress?: string;
    readonly begun?: Begun;
    /** Ends the request's connection at once. */
    readonly breakOff?: () => void;
  };
}

/** The hub as an application. */
export type HubApp = OpenAPIHono<HubEnvironment>;

/** One request of the hub. */
export type HubContext = Context<HubEnvironment>;

/** Where a request came from, for the audit log. */
export function originOf(context: HubContext): Origin {
  return { address: context.get("address"), requestId: context.get("requestId") };
}
