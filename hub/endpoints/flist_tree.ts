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

/** The longest path of a hard link's first name that is shown. */
const LINK_PATH_MAX = 4096;

/** Looks into the flist for such paths, in one answer: less than a second of them. */
const LINK_LOOKS_MAX = 100_000;

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
    const paths = new LinkPaths(flist);
    const entries = shown.map((inode) => entryOf(flist, inode, paths));
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

function entryOf(flist: FlistReader, inode: Inode, paths: LinkPaths): FlistTreeEntry {
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
    ...(hardLinkTo === undefined ? {} : { hard_link_to: paths.of(hardLinkTo) }),
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

/**
 * Paths of first names. A strange flist may have many of them, each as long and as deep as it likes:
 * those of one answer are looked for within a bound, and `…` stands for what is beyond it.
 */
class LinkPaths {
  readonly #flist: FlistReader;
  readonly #known = new Map<number, string>([[1, ""]]);
  #looksLeft = LINK_LOOKS_MAX;

  constructor(flist: FlistReader) {
    this.#flist = flist;
  }

  of(ino: number): string {
    const below: Inode[] = [];
    let length = 0;
    let at = ino;
    while (!this.#known.has(at)) {
      const inode = this.#looksLeft-- > 0 ? this.#flist.inode(at) : undefined;
      if (inode === undefined) return "…";
      below.push(inode);
      length += inode.name.length + 1;
      if (length > LINK_PATH_MAX) return "…";
      at = inode.parent;
    }
    let path = this.#known.get(at)!;
    for (const { ino, name } of below.reverse()) {
      path = `${path}/${name}`;
      if (path.length > LINK_PATH_MAX) return "…";
      this.#known.set(ino, path);
    }
    return path;
  }
}
