/**
 * `deno task fuzz [rounds]`: runs the property tests with one new seed after another, until one
 * fails. `SEED=… deno task fuzz` runs them once, with that seed.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { fileURLToPath } from "node:url";

const ROUNDS_DEFAULT = 20;

const replayed = Deno.env.get("SEED");
const rounds = replayed === undefined ? Number(Deno.args[0] ?? ROUNDS_DEFAULT) : 1;
for (let round = 1; round <= rounds; round++) {
  const seed = replayed ?? String(1 + Math.floor(Math.random() * 0x7fff_fffe));
  console.error(`Round ${round} of ${rounds}: SEED=${seed}`);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "test", "tests/property"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { SEED: seed },
    stderr: "inherit",
  }).output();
  if (success) continue;
  await Deno.stdout.write(stdout);
  console.error(`Failed; to see it again: SEED=${seed} deno task fuzz`);
  Deno.exit(1);
}
