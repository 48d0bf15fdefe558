/**
 * Compares two flists: what the second has that the first has not, what it has no longer, what
 * changed, and how many bytes somebody who has the first must fetch to get the second.
 *
 *     deno run -A scripts_examples/compare_images.ts monday.fl tuesday.fl
 *
 * It needs no store: a flist knows the digest of every file and the size of every block. As with
 * diff(1), the exit code is 0 when nothing differs and 1 when something does.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { diffImages, displayByteString, inspectImage } from "myfs";

const [left, right] = Deno.args;
if (left === undefined || right === undefined) {
  console.error("Usage: deno run -A scripts_examples/compare_images.ts <old flist> <new flist>");
  Deno.exit(2);
}

const { added, removed, changed, blocksAdded, blockBytesAdded } = await diffImages(left, right);
for (const path of removed) console.log(`- ${displayByteString(path)}`);
for (const path of added) console.log(`+ ${displayByteString(path)}`);
for (const { path, changes } of changed) {
  console.log(`~ ${displayByteString(path === "" ? "." : path)} (${changes.join(", ")})`);
}

const { chunks, referencedBytes } = await inspectImage(right);
console.log(`${added.length} added, ${removed.length} removed, ${changed.length} changed`);
console.log(`To transfer: ${blockBytesAdded} bytes in ${blocksAdded} of ${chunks} blocks`);
// A flist of the rfs profile does not record how large blocks are: their content is counted then.
if (referencedBytes !== undefined && referencedBytes > 0) {
  const share = (100 * blockBytesAdded / referencedBytes).toFixed(1);
  console.log(`That is ${share} % of the ${referencedBytes} bytes of the whole image`);
}
if (added.length + removed.length + changed.length > 0) Deno.exitCode = 1;
