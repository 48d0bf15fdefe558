/**
 * `myfs config store`: the routes of a flist to the stores that hold its blocks.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Route } from "myfs";
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

/**
 * Makes the command.
 *
 * @param outerMeta The flist that was named in front of `store`.
 */
export function storeCommand(
  execute: Execute,
  outerMeta: () => string | undefined,
): CommandUnknownOpts {
  return new Command("store")
    .summary("show and change routes to stores")
    .description(
      "Shows and changes where a flist says that its blocks are. No block is moved: myfs clone " +
        "copies blocks to other stores.",
    )
    .addCommand(listCommand(execute, outerMeta))
    .addCommand(addCommand(execute, outerMeta))
    .addCommand(deleteCommand(execute, outerMeta));
}

function listCommand(execute: Execute, outerMeta: () => string | undefined): CommandUnknownOpts {
  return new Command("list")
    .summary("print the routes")
    .description("Prints the routes of a flist, one a line, without passwords.")
    .usage("[options] [flist]")
    .argument("[flist]", "the flist, unless --meta names it")
    .addOption(metaOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flist, options) =>
      execute(options, async (session) => {
        const [named] = takeFlist(options.meta ?? outerMeta(), [flist], []);
        const { FlistReader } = await import("myfs");
        const { routeLines } = await import("../../output/inspection.ts");
        const { redactRoutes } = await import("../../routes.ts");
        using reader = FlistReader.open(await localFlist(named, session));
        const routes = redactRoutes(reader.routes());
        await session.result(() => ({ meta: named, routes }), () => routeLines(routes));
        return EXIT_CODE.ok;
      })
    );
}

function addCommand(execute: Execute, outerMeta: () => string | undefined): CommandUnknownOpts {
  return new Command("add")
    .summary("add routes")
    .description("Adds routes behind those that there are.")
    .usage("[options] [flist] <specs...>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[specs...]", "stores, such as dir:///path or 00-7f=dir:///path")
    .addOption(metaOption)
    .option("--no-strip-password", "keep passwords of store URLs in the flist")
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flist, operands, options) =>
      execute(options, async (session) => {
        const { meta, rest } = splitFlist(options.meta ?? outerMeta(), [flist, ...operands]);
        if (rest.length === 0) throw new UsageError("There is no store to add");
        const { editFlist, parseStoreSpec, stripSecrets } = await import("myfs");
        const { redactRoutes } = await import("../../routes.ts");
        const added = rest.map(parseStoreSpec);
        let routes: readonly Route[] = [];
        await editFlist(flistToWrite(meta), (editor) => {
          for (const { start, end, url } of added) {
            editor.addRoute({ start, end, url: options.stripPassword ? stripSecrets(url) : url });
          }
          routes = redactRoutes(editor.routes());
        }, stateOptions());
        await session.result(() => ({ meta, routes }));
        return EXIT_CODE.ok;
      })
    );
}

function deleteCommand(execute: Execute, outerMeta: () => string | undefined): CommandUnknownOpts {
  return new Command("delete")
    .summary("delete routes")
    .description(
      "Deletes routes as list prints them; a URL without a range stands for its routes of every " +
        "range. When one of them does not exist, nothing is changed.",
    )
    .usage("[options] [flist] <specs...>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[specs...]", "the routes")
    .addOption(metaOption)
    .option("--all", "delete all routes")
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((flist, operands, options) =>
      execute(options, async (session) => {
        const { meta, rest } = splitFlist(options.meta ?? outerMeta(), [flist, ...operands]);
        if ((rest.length === 0) !== (options.all === true)) {
          throw new UsageError("Name the routes to delete, or say --all");
        }
        const { editFlist, redactUrl } = await import("myfs");
        const { redactRoutes, routesLike } = await import("../../routes.ts");
        let routes: readonly Route[] = [];
        await editFlist(flistToWrite(meta), (editor) => {
          if (options.all) editor.deleteRoutes();
          for (const spec of rest) {
            const found = routesLike(editor.routes(), spec);
            if (found.length === 0) {
              throw new MissingError(`There is no route ${redactUrl(spec)} in ${meta}`);
            }
            for (const route of found) editor.deleteRoutes(route);
          }
          routes = redactRoutes(editor.routes());
        }, stateOptions());
        await session.result(() => ({ meta, routes }));
        return EXIT_CODE.ok;
      })
    );
}
