/**
 * Completion in real shells: the scripts are read and asked by the shells that they are for.
 */

import assert from "node:assert/strict";
import { myfsOk } from "./cli_process.ts";

/** Whether `shell` is installed. */
async function isInstalled(shell: string): Promise<boolean> {
  try {
    return (await new Deno.Command(shell, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** What `shell` prints for `script`, after the completion script for it was written to `$1`. */
async function ask(shell: string, args: readonly string[], script: string): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/myfs`, (await myfsOk(["completion", shell])).stdout);
    await Deno.writeTextFile(`${folder}/ask`, script);
    await Deno.mkdir(`${folder}/place/folder`, { recursive: true });
    await Deno.writeTextFile(`${folder}/place/file.fl`, "");
    const { stdout, stderr, code } = await new Deno.Command(shell, {
      args: [...args, `${folder}/ask`, `${folder}/myfs`],
      cwd: `${folder}/place`,
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stderr));
    assert.equal(decoder.decode(stderr), "");
    return decoder.decode(stdout).trimEnd().split("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("completion: bash completes commands, options, values and files", async () => {
  const lines = await ask(
    "bash",
    [],
    `source "$1"
try() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _myfs
  echo "\${COMPREPLY[*]}"
}
try myfs fl
try myfs flist ""
try myfs flist ls --rec
try myfs pack --profile ""
try myfs pack --profile = r
try myfs check ""
try myfs pack -m x ""
try myfs pack --meta fi
try myfs pack --level ""
try myfs upload ""
try myfs upload-dir ""
try myfs completion ""
try myfs config tag ""
complete -p myfs`,
  );
  assert.deepEqual(lines, [
    "flist",
    "inspect ls tree cat diff dump push pull search history",
    "--recursive",
    "myfs rfs",
    "rfs",
    "file.fl folder",
    "file.fl folder",
    "file.fl",
    "",
    "file.fl folder",
    "folder",
    "bash zsh fish",
    "list add delete",
    "complete -F _myfs myfs",
  ]);
});

Deno.test({
  name: "completion: fish completes commands, options, values and files",
  ignore: !await isInstalled("fish"),
  fn: async () => {
    const lines = await ask(
      "fish",
      ["--no-config"],
      `source $argv[1]
for line in "myfs fl" "myfs flist ls --rec" "myfs pack --profile " "myfs check f" "myfs completion "
    complete -C $line | string replace -r '\\t.*' '' | string join ' '
end`,
    );
    assert.deepEqual(lines, [
      "flist",
      "--recursive",
      "myfs rfs",
      "file.fl folder/",
      "bash fish zsh",
    ]);
  },
});

Deno.test({
  name: "completion: zsh reads its script and knows the function",
  ignore: !await isInstalled("zsh"),
  fn: async () => {
    const lines = await ask(
      "zsh",
      ["-f"],
      `autoload -U compinit && compinit -u -D
source $1
echo $_comps[myfs]
functions _myfs > /dev/null && echo defined`,
    );
    assert.deepEqual(lines, ["_myfs", "defined"]);
  },
});
