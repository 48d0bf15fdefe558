/**
 * `user/name:tag`, and who may write under it.
 *
 * @module
 */

import { FlistParams } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { type Caller, isAdministrator } from "../accounts/caller.ts";
import type { FlistInfo, FlistReference } from "../content/flists.ts";

/** @throws {HubProblem} 422 when the text is not `user/name:tag`; the tag may be left out. */
export function parseFlistReference(text: string | undefined): FlistReference {
  const [, user, name, tag = "latest"] = /^([^/:]+)\/([^/:]+)(?::([^/:]+))?$/.exec(text ?? "") ??
    [];
  const { success, data } = FlistParams.safeParse({ user, name, tag });
  if (success) return data;
  throw new HubProblem(422, "unprocessable", "The name of a flist is user/name:tag");
}

/** @throws {HubProblem} 403 when the caller may not write under the name of `user`. */
export function writableNamespace(caller: Caller, user: string): void {
  const isBound = caller.namespace !== undefined && caller.namespace !== user;
  const isOwn = caller.user === user;
  if (!isBound && (isOwn || isAdministrator(caller))) return;
  throw new HubProblem(403, "forbidden", "That namespace is not yours to write to");
}

/** What the audit log has of a flist that was published. */
export function published({ digest, visibility }: FlistInfo): string {
  return `${digest} ${visibility}`;
}
