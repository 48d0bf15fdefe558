/**
 * Lists the files of an image, or prints one of them, without unpacking anything.
 *
 *     deno run -A scripts_examples/read_without_unpacking.ts tree.fl
 *     deno run -A scripts_examples/read_without_unpacking.ts tree.fl etc --store dir:///tmp/blocks
 *     deno run -A scripts_examples/read_without_unpacking.ts tree.fl etc/hostname --trust-routes
 *
 * Listing needs the flist alone. Printing a file fetches the blocks it is in: from `--store` where
 * that is given, else from where the flist says. A flist can say anything, so that stores on this
 * machine are used only when you name them or say `--trust-routes`.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { parseArgs } from "node:util";
import { displayByteString, type ImageEntry, MyfsError, openImage } from "myfs";

const { values, positionals } = parseArgs({
  options: {
    "store": { type: "string", multiple: true },
    "trust-routes": { type: "boolean" },
  },
  allowPositionals: true,
});
const [meta, path = ""] = positionals;
if (meta === undefined) {
  console.error(
    "Usage: deno run -A scripts_examples/read_without_unpacking.ts <flist> [path] " +
      "[--store <store>]… [--trust-routes]",
  );
  Deno.exit(2);
}

try {
  await using image = await openImage(meta, {
    ...(values.store === undefined ? {} : { store: values.store }),
    ...(values["trust-routes"] ? { trustRoutes: true } : {}),
  });
  const { kind } = image.stat(path);
  if (kind === "file") {
    // Blocks are fetched and opened as the bytes are asked for: memory stays small.
    await image.readStream(path).pipeTo(Deno.stdout.writable);
  } else {
    let files = 0;
    let bytes = 0;
    for await (const entry of image.walk(path)) {
      console.log(describe(entry));
      if (entry.kind !== "file" || entry.hardLinkTo !== undefined) continue;
      files++;
      bytes += entry.size;
    }
    console.error(`${files} files, ${bytes} bytes`);
  }
} catch (error) {
  // Each kind of failure has a class and a stable code, and many say what to do about it.
  if (!(error instanceof MyfsError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  if (error.hint !== undefined) console.error(error.hint);
  Deno.exitCode = 1;
}

/** An entry as one line. Names are bytes and may hold anything, so they are escaped for display. */
function describe({ path, kind, mode, size, mtime, linkTarget, hardLinkTo }: ImageEntry): string {
  const permissions = (mode & 0o7777).toString(8).padStart(4, "0");
  const time = new Date(mtime * 1000).toISOString();
  let line = `${kind.padEnd(12)} ${permissions} ${String(size).padStart(12)} ${time} ` +
    displayByteString(path === "" ? "." : path);
  if (linkTarget !== undefined) line += ` -> ${displayByteString(linkTarget)}`;
  if (hardLinkTo !== undefined) line += ` = ${displayByteString(hardLinkTo)}`;
  return line;
}
