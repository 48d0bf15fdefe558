/**
 * Keeps a second store complete: what it lacks is copied, what is damaged there is repaired, and what
 * cannot be copied is named. Run it from time to time, or after each pack.
 *
 *     deno run -A scripts_examples/replicate_store.ts dir:///srv/blocks dir:///mnt/backup
 *     deno run -A scripts_examples/replicate_store.ts dir:///srv/blocks dir:///mnt/backup *.fl
 *
 * With flists, only the blocks that they need are copied. As the command `myfs store copy`, it ends
 * with exit code 3 when blocks are missing or damaged at the source.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { checkStore, copyStore, MyfsError, redactUrl } from "myfs";

const [source, target, ...flists] = Deno.args;
if (source === undefined || target === undefined) {
  console.error(
    "Usage: deno run -A scripts_examples/replicate_store.ts <from> <to> [flists...]",
  );
  Deno.exit(2);
}

// Ctrl-C stops between blocks; what was copied is found again by the next run.
const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());

try {
  const report = await copyStore(source, target, {
    ...(flists.length === 0 ? {} : { flists }),
    checkPresent: true,
    signal: stop.signal,
  });
  console.log(`${report.blocksCopied} blocks copied, ${report.copiedBytes} bytes`);
  console.log(`${report.blocksPresent} were there, ${report.blocksRepaired} were damaged there`);
  for (const { id, reason } of [...report.missing, ...report.corrupt]) {
    console.error(`not copied: ${id}: ${reason}`);
    Deno.exitCode = 3;
  }

  // Would the copy do, if the source were lost?
  const { brokenCount, promises } = await checkStore(target, {
    readOnly: true,
    speed: false,
    signal: stop.signal,
  });
  for (const { name, outcome, reason } of promises) {
    if (outcome === "broken") console.error(`broken: ${name}: ${reason}`);
  }
  const url = redactUrl(target);
  console.log(brokenCount === 0 ? `${url} reads well` : `${url} is not to be trusted`);
  if (brokenCount > 0) Deno.exitCode = 1;
} catch (error) {
  if (stop.signal.aborted) {
    console.error("Stopped; run it again to go on");
    Deno.exit(130);
  }
  if (!(error instanceof MyfsError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  if (error.hint !== undefined) console.error(error.hint);
  Deno.exit(1);
}
// A listener for signals would keep the script alive.
Deno.exit();
