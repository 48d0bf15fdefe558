/**
 * Looks at a flist that anybody may have made, in a thread that can be ended: a hostile file may take
 * as long as it likes to read, and stops nobody but itself.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { blockIdBytes, blockIdsOf, displayByteString, editFlist, FlistReader } from "myfs";
import { inspectImage, MyfsError, stripSecrets } from "myfs";

/** What the thread is asked. */
export type FlistTask =
  | { readonly kind: "check"; readonly path: string }
  | { readonly kind: "paths"; readonly path: string; readonly bytesMax: number };

/** What it answers. */
export type FlistResult =
  | {
    readonly kind: "checked";
    /** Whether secrets were taken out, which changed the file. */
    readonly isChanged: boolean;
    /** JSON. */
    readonly summary: string;
    readonly title: string | undefined;
    readonly description: string | undefined;
    /** Ids of all blocks, 32 bytes each. */
    readonly blocks: Uint8Array<ArrayBuffer>;
  }
  | { readonly kind: "paths"; readonly paths: readonly string[]; readonly routes: string }
  | { readonly kind: "refused"; readonly reason: string };

if (parentPort !== null) parentPort.postMessage(await answer(workerData as FlistTask));

async function answer(task: FlistTask): Promise<FlistResult> {
  try {
    return task.kind === "check" ? await check(task.path) : paths(task);
  } catch (error) {
    // Whatever is wrong while it is read is wrong with the file; its path is nobody's business.
    const message = error instanceof MyfsError ? error.message : "it cannot be read";
    return { kind: "refused", reason: message.replaceAll(task.path, "it") };
  }
}

async function check(path: string): Promise<FlistResult> {
  let isChanged = false;
  {
    using flist = FlistReader.open(path);
    flist.validate({ allowIncomplete: true });
    isChanged = flist.routes().some(({ url }) => stripSecrets(url) !== url);
  }
  if (isChanged) {
    await editFlist(path, (editor) => {
      const routes = editor.routes().map((route) => ({ ...route, url: stripSecrets(route.url) }));
      editor.deleteRoutes();
      for (const route of routes) editor.addRoute(route);
    });
  }
  const summary = await inspectImage(path);
  const blocks = new Uint8Array(summary.chunks * 32);
  let length = 0;
  for (const id of blockIdsOf([path])) {
    blocks.set(blockIdBytes(id), length);
    length += 32;
  }
  const { title, description } = summary.tags as Record<string, string | undefined>;
  return {
    kind: "checked",
    isChanged,
    title,
    description,
    blocks: blocks.slice(0, length),
    summary: JSON.stringify({
      profile: summary.profile,
      version: summary.version,
      files: summary.files,
      directories: summary.directories,
      symlinks: summary.symlinks,
      specials: summary.specials,
      hard_links: summary.hardLinks,
      content_bytes: summary.contentBytes,
      chunks: summary.chunks,
      ...(summary.referencedBytes === undefined
        ? {}
        : { referenced_bytes: summary.referencedBytes }),
      tags: summary.tags,
      routes: summary.routes,
    }),
  };
}

/** All paths, as rfs shows them. */
function paths({ path, bytesMax }: FlistTask & { readonly kind: "paths" }): FlistResult {
  using flist = FlistReader.open(path);
  const directories = new Map<number, string>();
  const found: string[] = [];
  let bytes = 0;
  for (const { ino, parent, name, kind } of flist.inodes()) {
    const above = directories.get(parent);
    const own = above === undefined ? "/" : `${above === "/" ? "" : above}/${name}`;
    if (kind === "directory") directories.set(ino, own);
    bytes += own.length;
    if (bytes > bytesMax) {
      return { kind: "refused", reason: "it has more paths than one answer may show" };
    }
    found.push(displayByteString(own));
  }
  return { kind: "paths", paths: found, routes: flist.routes().map(({ url }) => url).join("-") };
}
