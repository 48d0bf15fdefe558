/**
 * What a profile cannot keep of an entry, so that whoever packs can name and count it.
 *
 * @module
 */

import type { Profile } from "../block/profile.ts";
import type { InodeRecord } from "./flist_record.ts";

/**
 * One kind of loss: the entry becomes a copy of its first name, loses its extended attributes, or
 * has its modification time cut to whole seconds.
 */
export type ProfileLoss = "hard-link" | "xattrs" | "nanoseconds";

/**
 * What is lost when `record` is added to a flist of `profile`. Nothing in the `myfs` profile.
 *
 * A name that is not UTF-8 is no loss but a refusal: the `rfs` profile has no place for it, and
 * `FlistWriter.addInode` throws.
 *
 * @example
 * ```ts ignore
 * for (const loss of profileLosses(writer.profile, record)) count(loss, path);
 * ```
 */
export function profileLosses(
  profile: Profile,
  record: Pick<InodeRecord, "hardLinkTo" | "xattrs" | "mtimeNsec">,
): readonly ProfileLoss[] {
  if (profile === "myfs") return [];
  const losses: ProfileLoss[] = [];
  if (record.hardLinkTo !== undefined) losses.push("hard-link");
  if (record.xattrs !== undefined && record.xattrs.size > 0) losses.push("xattrs");
  if (record.mtimeNsec !== 0) losses.push("nanoseconds");
  return losses;
}
