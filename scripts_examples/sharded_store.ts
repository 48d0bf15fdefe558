/**
 * Packs a directory into a store that is spread over two directories, with a third that has a copy
 * of every block, and shows that the image stays readable when one of the three is lost.
 *
 *     deno run -A scripts_examples/sharded_store.ts ./tree ./sharded
 *
 * In `./sharded` it makes `disk1`, `disk2`, `replica` and `tree.fl`. Blocks go where the first byte
 * of their id says. Every store whose range has that byte gets the block, and each of them will do
 * for reading.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkImage, openImage, openStore, packDirectory } from "myfs";

const [source, folder] = Deno.args;
if (source === undefined || folder === undefined) {
  console.error("Usage: deno run -A scripts_examples/sharded_store.ts <directory> <new folder>");
  Deno.exit(2);
}
await Deno.mkdir(folder, { recursive: true });
const meta = `${folder}/tree.fl`;
const disk1 = directoryStore("disk1");
const disk2 = directoryStore("disk2");
const replica = directoryStore("replica");
const store = [`00-7f=${disk1}`, `80-ff=${disk2}`, replica];

const packed = await packDirectory(source, { meta, store });
console.log(`Packed ${packed.files} files in ${packed.chunks} blocks:`);
for (const url of [disk1, disk2, replica]) console.log(`  ${await countBlocks(url)} in ${url}`);

console.log("Losing disk1 …");
await Deno.rename(`${folder}/disk1`, `${folder}/disk1.lost`);
try {
  // The flist's routes are those of `store`. Nothing tells the reader that one of them is gone.
  const check = await checkImage(meta);
  console.log(`${check.blocksOk} of ${check.blocks} blocks are there and right`);

  await using image = await openImage(meta);
  let bytes = 0;
  for await (const { path, kind } of image.walk()) {
    if (kind === "file") { for await (const part of image.readStream(path)) bytes += part.length; }
  }
  console.log(`Read ${bytes} bytes of files`);
  if (check.blocksOk < check.blocks) Deno.exitCode = 1;
} finally {
  await Deno.rename(`${folder}/disk1.lost`, `${folder}/disk1`);
}

/** URL of the store in a directory below the folder; characters special to URLs are escaped. */
function directoryStore(name: string): string {
  return `dir://${pathToFileURL(resolve(folder!, name)).pathname}`;
}

async function countBlocks(url: string): Promise<number> {
  await using store = await openStore([url]);
  let count = 0;
  for await (const _id of store.list!()) count++;
  return count;
}
