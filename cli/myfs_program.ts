/**
 * The `myfs` program with all its commands.
 *
 * @module
 */

import { cacheCommand } from "./commands/cache.ts";
import { checkCommand } from "./commands/check.ts";
import { cloneCommand } from "./commands/clone.ts";
import { commitCommand } from "./commands/commit.ts";
import { completionCommand } from "./commands/completion.ts";
import { configCommand } from "./commands/config.ts";
import { flistCommand } from "./commands/flist.ts";
import { loginCommand, logoutCommand } from "./commands/login.ts";
import { mountCommand } from "./commands/mount.ts";
import { mountsCommand } from "./commands/mounts.ts";
import { packCommand } from "./commands/pack.ts";
import { runCommand } from "./commands/run.ts";
import { storeCommand } from "./commands/store.ts";
import { tokenCommand } from "./commands/token.ts";
import { trackBlocksCommand, trackCommand } from "./commands/track.ts";
import { downloadCommand, existsCommand, uploadCommand } from "./commands/transfer.ts";
import { downloadDirectoryCommand, uploadDirectoryCommand } from "./commands/transfer_directory.ts";
import { umountCommand } from "./commands/umount.ts";
import { unpackCommand } from "./commands/unpack.ts";
import { main } from "./main.ts";
import { createProgram } from "./program.ts";

/** Runs it with this process's arguments, and ends the process. */
export async function runMyfs(): Promise<never> {
  return await main((execute) =>
    createProgram({
      name: "myfs",
      description: "Turns directories into flists (small files that say what is where) and into " +
        "blocks (deduplicated, compressed, encrypted) in stores of your choice, and back.",
      commands: [
        packCommand(execute),
        unpackCommand(execute),
        mountCommand(execute),
        umountCommand(execute),
        mountsCommand(execute),
        checkCommand(execute),
        cloneCommand(execute),
        commitCommand(execute),
        flistCommand(execute),
        configCommand(execute),
        cacheCommand(execute),
        storeCommand(execute),
        loginCommand(execute),
        logoutCommand(execute),
        tokenCommand(execute),
        uploadCommand(execute),
        uploadDirectoryCommand(execute),
        downloadCommand(execute),
        downloadDirectoryCommand(execute),
        existsCommand(execute),
        trackCommand(execute),
        trackBlocksCommand(execute),
        runCommand(execute),
        completionCommand(execute, "myfs"),
      ],
      examples: [
        ["Pack a directory", "myfs pack --meta tree.fl --store dir:///srv/blocks ./tree"],
        ["Look into it", "myfs flist ls -l tree.fl"],
        ["Unpack it", "myfs unpack --meta tree.fl ./out"],
      ],
    })
  );
}
