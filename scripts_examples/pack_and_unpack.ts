/**
 * Packs a directory into a store, and unpacks it again somewhere else.
 *
 *     deno run -A scripts_examples/pack_and_unpack.ts ./tree tree.fl dir:///tmp/blocks ./copy
 *
 * The directory becomes blocks in the store and a flist, the file that says what is where. From the
 * two the second half makes a copy of the directory, into a directory that need not exist. Exit code
 * 3 means that something could not be read or written and was named; everything else was done.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { packDirectory, unpackImage } from "myfs";

const [source, meta, store, target] = Deno.args;
if (source === undefined || meta === undefined || store === undefined || target === undefined) {
  console.error(
    "Usage: deno run -A scripts_examples/pack_and_unpack.ts <directory> <flist> <store> <target>",
  );
  Deno.exit(2);
}

const packed = await packDirectory(source, { meta, store });
console.log(
  `Packed ${packed.files} files (${mebibytes(packed.contentBytes)}) in ${packed.chunks} blocks ` +
    `(${mebibytes(packed.referencedBytes)}); ${packed.blocksStored} of them are new in the store`,
);

// Only root can give files to other users.
const preserveOwnership = Deno.uid() === 0;
// The flist says where the blocks are, and this process made it, so that is followed.
const unpacked = await unpackImage(meta, target, { preserveOwnership });
console.log(
  `Unpacked ${unpacked.files} files (${mebibytes(unpacked.contentBytes)}) into ${target}`,
);

const failures = [...packed.failures, ...unpacked.failures];
for (const { path, reason } of failures) console.error(`Not done: ${path}: ${reason}`);
for (const { what, count } of [...packed.losses, ...unpacked.losses]) {
  console.error(`Not kept: ${what}, on ${count} entries`);
}
if (failures.length > 0) Deno.exitCode = 3;

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
