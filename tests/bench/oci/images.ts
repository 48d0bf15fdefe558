/**
 * The images that are converted: two large layers that both images share, and a small one of each's own.
 *
 * @module
 */

import type { Corpus } from "../corpora.ts";
import { run } from "../measure.ts";

/** Names of the images in the registry. */
export const IMAGE = {
  /** Both shared layers, and one of its own. */
  first: "bench/first",
  /** The same shared layers, and another one of its own. */
  second: "bench/second",
  /** What only the second image has. */
  own: "bench/own",
} as const;

/** How large the layers are without compression, in bytes. */
export interface ImageSizes {
  readonly shared: number;
  readonly firstOwn: number;
  readonly secondOwn: number;
}

/** Of the files of the next version of a tree, every so many make up a layer of an image's own. */
const OWN_EVERY = 8;

/**
 * Makes the images in OCI layouts below `folder`, with umoci, which compresses layers by gzip, and
 * pushes them to the registry at `host`.
 */
export async function pushImages(
  [small, binaries]: readonly Corpus[],
  folder: string,
  host: string,
): Promise<ImageSizes> {
  const layer = async (name: string, tree: string, script: string): Promise<number> => {
    const path = `${folder}/${name}.tar`;
    const argv = ["bash", "-o", "pipefail", "-c", script, "bash", tree, path] as const;
    await run({ argv });
    return (await Deno.stat(path)).size;
  };
  const whole = (place: string): string =>
    `tar --sort=name --owner=0 --group=0 --numeric-owner --transform='s,^\\.,${place},S' ` +
    `-C "$1" -cf "$2" .`;
  const part = (remainder: number): string =>
    `cd "$1" && find . -type f | LC_ALL=C sort | awk 'NR % ${OWN_EVERY} == ${remainder}' | ` +
    `tar --owner=0 --group=0 --numeric-owner --transform='s,^\\.,app,S' -cf "$2" -T -`;
  const shared = await layer("0", small!.tree, whole("usr/lib")) +
    await layer("1", binaries!.tree, whole("opt"));
  const firstOwn = await layer("first", small!.next!, part(0));
  const secondOwn = await layer("second", small!.next!, part(1));
  await push(host, folder, IMAGE.first, ["0", "1", "first"]);
  await push(host, folder, IMAGE.second, ["0", "1", "second"]);
  await push(host, folder, IMAGE.own, ["second"]);
  return { shared, firstOwn, secondOwn };
}

async function push(
  host: string,
  folder: string,
  name: string,
  layers: readonly string[],
): Promise<void> {
  const layout = `${folder}/${name.replace("/", "-")}`;
  const image = `${layout}:latest`;
  await run({ argv: ["umoci", "init", "--layout", layout] });
  await run({ argv: ["umoci", "new", "--image", image] });
  for (const layer of layers) {
    await run({ argv: ["umoci", "raw", "add-layer", "--image", image, `${folder}/${layer}.tar`] });
  }
  const target = `docker://${host}/${name}:latest`;
  await run({
    argv: ["skopeo", "copy", "-q", "--dest-tls-verify=false", `oci:${image}`, target],
  });
}
