/** Goal: limits of archives reach the library as they were given, and wrong ones are refused. */

import assert from "node:assert/strict";
import { Command } from "@commander-js/extra-typings";
import {
  entriesMaxOption,
  limitsOf,
  plainBytesMaxOption,
  ratioMaxOption,
} from "../../../cli/archive_limits.ts";

function parsed(...args: string[]): ReturnType<typeof limitsOf> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} })
    .addOption(entriesMaxOption("an archive"))
    .addOption(plainBytesMaxOption("an archive"))
    .addOption(ratioMaxOption("an archive"));
  return limitsOf(command.parse(args, { from: "user" }).opts());
}

Deno.test("archive limits: what is given, and nothing else", () => {
  assert.deepEqual(parsed(), {});
  assert.deepEqual(parsed("--entries-max", "5", "--ratio-max=7"), { entriesMax: 5, ratioMax: 7 });
  assert.deepEqual(parsed("--plain-bytes-max", "1000"), { plainBytesMax: 1000 });
});

Deno.test("archive limits: whole numbers from 1 on", () => {
  for (const wrong of ["0", "-1", "1.5", "many", ""]) {
    assert.throws(() => parsed("--entries-max", wrong), /whole number/, wrong);
  }
});
