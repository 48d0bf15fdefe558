/**
 * A process that puts blocks into a directory until it kills itself, without warning, at a chosen
 * step of a chosen put; or until somebody else does.
 *
 * Arguments: directory, size of the blocks in bytes, step, how many blocks to put before.
 *
 * @module
 */

import { LocalBlocks } from "../../lib/store/local_blocks.ts";
import { randomBytes } from "node:crypto";
import { testIdOf } from "./random_block.ts";

const [path, size, step, before] = Deno.args as [string, string, string, string];

function die(): never {
  Deno.kill(Deno.pid, "SIGKILL");
  for (;;);
}

/** Makes the runtime's functions deadly from now on. */
function arm(): void {
  const { openSync, renameSync } = Deno;
  const writeSync = Deno.FsFile.prototype.writeSync;
  const steps: Record<string, () => void> = {
    "before-open": () => Deno.openSync = die,
    "after-open": () => Deno.FsFile.prototype.writeSync = die,
    "half-written": () =>
      Deno.FsFile.prototype.writeSync = function (bytes): number {
        writeSync.call(this, bytes.subarray(0, bytes.length / 2));
        return die();
      },
    "before-rename": () => Deno.renameSync = die,
    "after-rename": () =>
      Deno.renameSync = (from, to) => {
        renameSync(from, to);
        die();
      },
    "never": () => Deno.openSync = openSync,
  };
  steps[step]!();
}

const blocks = new LocalBlocks({ directories: [{ start: 0, end: 255, path }] });
for (let count = 0;; count++) {
  if (count === Number(before)) arm();
  const block = randomBytes(Number(size));
  blocks.put(testIdOf(block), block);
  if (count === 0) await Deno.stdout.write(new TextEncoder().encode("first\n"));
}
