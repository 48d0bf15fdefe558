/**
 * What is in a flist: one directory at a time, and in numbers.
 *
 * @module
 */

import { type FlistReader, type Inode, splitDevice } from "myfs";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { FlistTreeEntry } from "../../lib/hub_api/messages/mod.ts";
import type { Content } from "../content/content.ts";
import { hexOf } from "../content/blocks.ts";
import type { HubApp } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";

/** Deepest directory that is shown: each level is one look into the flist. */
const DEPTH_MAX = 4096;

/** Registers the endpoints that look into flists, all of which were checked when they came in. */
export function registerFlistTreeEndpoints(app: HubApp, content: Content): void {
  const { flists } = content;

  registerEndpoint(app, "flistTree", async (context, { params, query }) => {
    const { digest } = await flists.get(params, context.get("caller")?.user);
    using flist = flists.open(digest);
    const directory = directoryAt(flist, query.path);
    const after = query.cursor === undefined || query.cursor === "" ? 0 : cursorOf(query.cursor);
    // One more shows whether there is another page.
    const found = flist.childrenAfter(directory, after, query.per_page + 1);
    const shown = found.slice(0, query.per_page);
    const cursor = found.length > shown.length ? { cursor: String(shown.at(-1)!.ino) } : {};
    context.header("cache-control", "private, no-cache");
    const entries = shown.map((inode) => entryOf(flist, inode));
    return context.json({ path: query.path, entries, ...cursor });
  });
  registerEndpoint(app, "inspectFlist", async (context, { params }) => {
    const { digest, size } = await flists.get(params, context.get("caller")?.user);
    context.header("cache-control", "private, no-cache");
    return context.json({ digest, size, ...await flists.summary(digest) });
  });
}

function directoryAt(flist: FlistReader, path: string): number {
  const names = path.split("/").filter((name) => name !== "");
  let ino = 1;
  for (const name of names.slice(0, DEPTH_MAX + 1)) {
    const child = flist.child(ino, name);
    if (child?.kind !== "directory" || names.length > DEPTH_MAX) {
      throw new HubProblem(404, "not_found", "The flist has no such directory");
    }
    ino = child.ino;
  }
  return ino;
}

function cursorOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HubProblem(400, "bad_request", "That is no cursor of an earlier page");
}

function entryOf(flist: FlistReader, inode: Inode): FlistTreeEntry {
  const { name, kind, mode, uid, gid, size, rdev, linkTarget, hardLinkTo, ino } = inode;
  const digest = kind === "file" ? flist.digest(ino) : undefined;
  const isDevice = kind === "char-device" || kind === "block-device";
  return {
    name,
    kind,
    mode: (mode & 0o7777).toString(8).padStart(4, "0"),
    uid,
    gid,
    size,
    mtime: timeOf(inode),
    ...(linkTarget === undefined ? {} : { link_target: linkTarget }),
    ...(hardLinkTo === undefined ? {} : { hard_link_to: pathOf(flist, hardLinkTo) }),
    ...(isDevice ? { device: splitDevice(rdev) } : {}),
    ...(digest === undefined ? {} : { digest: hexOf(digest) }),
  };
}

/** UTC with nanoseconds; the seconds alone where no calendar has the year. */
function timeOf({ mtime, mtimeNsec }: Inode): string {
  const date = new Date(mtime * 1000);
  const nanoseconds = String(mtimeNsec).padStart(9, "0");
  if (Number.isNaN(date.getTime())) return `${mtime}.${nanoseconds}`;
  return date.toISOString().replace(/\.\d{3}Z$/, `.${nanoseconds}Z`);
}

function pathOf(flist: FlistReader, ino: number): string {
  const names: string[] = [];
  for (let at = flist.inode(ino); at !== undefined && at.ino !== 1;) {
    if (names.length > DEPTH_MAX) return "…";
    names.push(at.name);
    at = flist.inode(at.parent);
  }
  return `/${names.reverse().join("/")}`;
}
