/**
 * `myfs config tag`: the tags of a flist.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { stateOptions } from "../../cache_folder.ts";
import { EXIT_CODE } from "../../exit_codes.ts";
import { flistToWrite, localFlist } from "../../flist_reference.ts";
import { MissingError, UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import {
  jsonOption,
  metaOption,
  quietOption,
  splitFlist,
  takeFlist,
} from "../../shared_options.ts";
import { parseTag } from "../../tag.ts";

/**
 * Makes the command.
 *
 * @param outerMeta The flist that was named in front of `tag`.
 */
export function tagCommand(
  execute: Execute,
  outerMeta: () => string | undefined,
): CommandUnknownOpts {
  return new Command("tag")
    .summary("show and change tags")
    .description("Shows and changes the tags of a flist: text that says what it is.")
    .addCommand(listCommand(execute, outerMeta))
    .addCommand(addCommand(execute, outerMeta))
    .addCommand(deleteCommand(execute, outerMeta));
}

function listCommand(execute: Execute, outerMeta: () => string | undefined): CommandUnknownOpts {
  return new Command("list")
    .summary("print the tags")
    .description("Prints the tags of a flist, one a line.")
    .usage("[options] [flist]")
    .argument("[flist]", "the flist, unless --meta names it")
    .addOption(metaOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flist, options) =>
      execute(options, async (session) => {
        const [named] = takeFlist(options.meta ?? outerMeta(), [flist], []);
        const { FlistReader } = await import("myfs");
        const { tagLines } = await import("../../output/inspection.ts");
        using reader = FlistReader.open(await localFlist(named, session));
        const tags = reader.tags();
        await session.result(
          () => ({ meta: named, tags: Object.fromEntries(tags) }),
          () => tagLines(tags),
        );
        return EXIT_CODE.ok;
      })
    );
}

function addCommand(execute: Execute, outerMeta: () => string | undefined): CommandUnknownOpts {
  return new Command("add")
    .summary("set tags")
    .description("Sets tags, in place of earlier ones with the same keys.")
    .usage("[options] [flist] <key=value...>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[tags...]", "the tags")
    .addOption(metaOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flist, operands, options) =>
      execute(options, async (session) => {
        const { meta, rest } = splitFlist(options.meta ?? outerMeta(), [flist, ...operands]);
        if (rest.length === 0) throw new UsageError("There is no tag to set");
        const added = rest.map(parseTag);
        const { editFlist } = await import("myfs");
        let tags: ReadonlyMap<string, string> = new Map();
        await editFlist(flistToWrite(meta), (editor) => {
          for (const [key, value] of added) editor.setTag(key, value);
          tags = editor.tags();
        }, stateOptions());
        await session.result(() => ({ meta, tags: Object.fromEntries(tags) }));
        return EXIT_CODE.ok;
      })
    );
}

function deleteCommand(execute: Execute, outerMeta: () => string | undefined): CommandUnknownOpts {
  return new Command("delete")
    .summary("delete tags")
    .description("Deletes tags by key. When one of them does not exist, nothing is changed.")
    .usage("[options] [flist] <keys...>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[keys...]", "the keys")
    .addOption(metaOption)
    .option("--all", "delete all tags")
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flist, operands, options) =>
      execute(options, async (session) => {
        const { meta, rest } = splitFlist(options.meta ?? outerMeta(), [flist, ...operands]);
        if ((rest.length === 0) !== (options.all === true)) {
          throw new UsageError("Name the keys to delete, or say --all");
        }
        const { editFlist } = await import("myfs");
        let tags: ReadonlyMap<string, string> = new Map();
        await editFlist(flistToWrite(meta), (editor) => {
          if (options.all) editor.clearTags();
          for (const key of rest) {
            if (!editor.deleteTag(key)) throw new MissingError(`There is no tag ${key} in ${meta}`);
          }
          tags = editor.tags();
        }, stateOptions());
        await session.result(() => ({ meta, tags: Object.fromEntries(tags) }));
        return EXIT_CODE.ok;
      })
    );
}
