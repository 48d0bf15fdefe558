/**
 * Makes a flist of the `myfs` profile from one of the `rfs` profile: the tree is unpacked into a
 * temporary folder, packed again, and the two flists are compared.
 *
 *     sudo deno run -A scripts_examples/migrate_rfs_flist.ts old.fl new.fl --store dir:///srv/blocks
 *
 * The old blocks are read from `--source`, else from where the old flist says; stores on this
 * machine are followed only with `--trust-routes`. Tags are taken over. Root is needed to keep the
 * owners of files and to make devices: without it the script names what it could not keep, and the
 * exit code is 3. `TMPDIR` says where there is room for the unpacked tree.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { parseArgs } from "node:util";
import { diffImages, type Failure, MyfsError, openImage, packDirectory, unpackImage } from "myfs";

const { values, positionals } = parseArgs({
  options: {
    "store": { type: "string", multiple: true },
    "source": { type: "string", multiple: true },
    "trust-routes": { type: "boolean" },
  },
  allowPositionals: true,
});
const [oldMeta, newMeta] = positionals;
if (oldMeta === undefined || newMeta === undefined || values.store === undefined) {
  console.error(
    "Usage: deno run -A scripts_examples/migrate_rfs_flist.ts <rfs flist> <new flist> " +
      "--store <store>… [--source <store>]… [--trust-routes]",
  );
  Deno.exit(2);
}

try {
  Deno.exitCode = await migrate(oldMeta, newMeta, values.store);
} catch (error) {
  if (!(error instanceof MyfsError)) throw error;
  console.error(error.message);
  if (error.hint !== undefined) console.error(error.hint);
  Deno.exitCode = 1;
}

/** Does it, and answers the exit code. */
async function migrate(from: string, to: string, store: readonly string[]): Promise<number> {
  const tags = await tagsOf(from);
  const folder = await Deno.makeTempDir({ prefix: "myfs-migrate-" });
  try {
    const tree = `${folder}/tree`;
    const unpacked = await unpackImage(from, tree, {
      preserveOwnership: Deno.uid() === 0,
      ...(values.source === undefined ? {} : { store: values.source }),
      ...(values["trust-routes"] ? { trustRoutes: true } : {}),
    });
    tell(unpacked.failures);
    // A tree with holes must not pass for the old one.
    if (unpacked.failures.some(({ code }) => code.startsWith("block_"))) return 1;

    const packed = await packDirectory(tree, { meta: to, store, tags });
    tell(packed.failures);
    console.log(
      `Migrated ${packed.files} files, ${packed.contentBytes} bytes, into ${packed.chunks} ` +
        `blocks of ${packed.referencedBytes} bytes`,
    );
    return await compare(from, to);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function tagsOf(meta: string): Promise<Record<string, string>> {
  await using image = await openImage(meta);
  if (image.profile !== "rfs") {
    console.error(`${meta} has the profile ${image.profile}: there is nothing to migrate`);
    Deno.exit(2);
  }
  return Object.fromEntries(image.tags);
}

/** Tells what the new flist says otherwise than the old one: nothing, if all was kept. */
async function compare(from: string, to: string): Promise<number> {
  const { added, removed, changed } = await diffImages(from, to);
  const counts = new Map<string, number>();
  const count = (what: string): Map<string, number> =>
    counts.set(what, 1 + (counts.get(what) ?? 0));
  for (const _path of added) count("entries that are new");
  for (const _path of removed) count("entries that are missing");
  for (const { changes } of changed) for (const change of changes) count(`another ${change}`);
  for (const [what, entries] of counts) console.error(`Not kept: ${what}: ${entries}`);
  if (counts.size > 0) return 3;
  console.log("Every entry has the same kind, mode, owner, size and time in both flists");
  return 0;
}

function tell(failures: readonly Failure[]): void {
  for (const { path, reason } of failures) console.error(`Not done: ${path}: ${reason}`);
}
