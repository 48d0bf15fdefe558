/**
 * What is read off commands for completion.
 */

import assert from "node:assert/strict";
import { Argument, Command, Option } from "@commander-js/extra-typings";
import {
  eachCommand,
  functionName,
  outlineOf,
  quoteWord,
} from "../../../../cli/completion/outline.ts";

Deno.test("outline: tells files, directories and choices, and leaves hidden options out", () => {
  const program = new Command("my-program")
    .addCommand(
      new Command("open").summary("open it")
        .argument("<directory>")
        .option("-m, --meta <flist>", "which")
        .option("--fast", "hurry")
        .addOption(new Option("--old <x>", "gone").hideHelp())
        .addOption(new Option("--color <when>", "colour").choices(["always", "never"])),
    )
    .addCommand(
      new Command("shell").addArgument(new Argument("<shell>").choices(["bash", "zsh"])),
    );
  const [root, open, shell] = [...eachCommand(outlineOf(program))];
  assert.deepEqual(root!.commands.map(({ path }) => path), [
    ["my-program", "open"],
    ["my-program", "shell"],
  ]);
  assert.deepEqual([open!.summary, open!.operands, shell!.choices], [
    "open it",
    "directory",
    ["bash", "zsh"],
  ]);
  assert.deepEqual(open!.options, [
    { names: ["-m", "--meta"], summary: "which", value: "file" },
    { names: ["--fast"], summary: "hurry" },
    { names: ["--color"], summary: "colour", value: "other", choices: ["always", "never"] },
    { names: ["-h", "--help"], summary: "display help for command" },
  ]);
});

Deno.test("outline: words are safe to put into scripts", () => {
  assert.equal(quoteWord("it's"), `'it'\\''s'`);
  assert.equal(functionName("myfs-hub"), "myfs_hub");
});
