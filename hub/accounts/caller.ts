/**
 * Who sends a request, and what they may do.
 *
 * @module
 */

import type { Role, Scope } from "../../lib/hub_api/messages/mod.ts";

/** Who sends a request, as their token says. */
export interface Caller {
  readonly user: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  /** The only namespace that the token is good for, where it is bound to one. */
  readonly namespace?: string;
  /** The session of an access token; missing with API tokens. */
  readonly session?: string;
}

/** Whether a caller administers the hub, with a token that is good for that. */
export function isAdministrator({ role, scopes }: Caller): boolean {
  return role === "admin" && scopes.includes("admin");
}

/** Whether a caller may do what takes `scope`: who may write may read, who administers may do both. */
export function permits(caller: Caller, scope: Scope): boolean {
  const order: readonly Scope[] = ["read", "write", "admin"];
  return caller.scopes.some((own) => order.indexOf(own) >= order.indexOf(scope));
}
