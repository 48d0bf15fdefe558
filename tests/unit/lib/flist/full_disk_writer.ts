/**
 * Writes a flist of 20,000 files and prints the error that stops it: run by flist_writer_test.ts
 * where files may not grow that large.
 *
 * @module
 */

import { SystemError } from "../../../../lib/base/errors.ts";
import { fileRecord, writeFlist } from "./flist_samples.ts";

try {
  writeFlist(Deno.args[0]!, "myfs", (writer) => {
    for (let i = 0; i < 20_000; i++) writer.addInode(fileRecord(`file ${10_000 + i}`, 0));
  });
} catch (error) {
  if (!(error instanceof SystemError)) throw error;
  // deno-lint-ignore no-console -- this is how the test learns of it
  console.log(error.name, error.errno, error.message);
}
