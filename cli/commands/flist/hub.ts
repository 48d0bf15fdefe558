/**
 * `myfs flist push`, `pull`, `search` and `history`: flists by name and version on hubs.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { localFlist } from "../../flist_reference.ts";
import { examplesText } from "../../help.ts";
import { hubOption, openHub } from "../../hub.ts";
import { UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption, wholeNumber } from "../../shared_options.ts";

/** Makes `push`. */
export function pushCommand(execute: Execute): CommandUnknownOpts {
  return new Command("push")
    .summary("publish a flist on a hub")
    .description(
      "Publishes a flist under a name and tag. Its blocks have to be in a store already.",
    )
    .argument("<flist>", "the flist")
    .argument("<name>", "hub://host/user/name:tag")
    .option("--public", "everybody may see it")
    .option("--private", "only its user may see it")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Publish", "myfs flist push tree.fl hub://127.0.0.1:3000/alice/tree:1.0"]),
    )
    .action((flist, name, options) =>
      execute(options, async (session) => {
        if (options.public && options.private) {
          throw new UsageError("Options --public and --private contradict each other");
        }
        const { formatHubFlist, parseHubFlist, publishFlist } = await import("myfs");
        const reference = parseHubFlist(name);
        if (reference.kind === "digest") {
          throw new UsageError(
            "A flist is published under a name",
            "Write hub://host/user/name:tag.",
          );
        }
        const client = await openHub(reference.hub.name, session);
        const places = await placesHere(flist);
        const shown = formatHubFlist(reference);
        const digest = await publishFlist(client, flist, reference, {
          signal: session.signal,
          ...(options.public ? { visibility: "public" } : {}),
          ...(options.private ? { visibility: "private" } : {}),
        });
        await session.result(() => ({ flist, name: shown, digest }), () => [digest]);
        if (places.length > 0) {
          session.note(() => [
            `Its blocks lie on this machine, in ${
              places.join(", ")
            }: other machines cannot read them`,
            "there. Pack or clone to a store that they reach, such as the hub itself.",
          ]);
        }
        return EXIT_CODE.ok;
      })
    );
}

/** The directories of this machine that alone have the blocks of a flist; none where others have them. */
async function placesHere(path: string): Promise<string[]> {
  const { FlistReader } = await import("myfs");
  using flist = FlistReader.open(path);
  const urls = flist.routes().map(({ url }) => url);
  return urls.every((url) => /^dir:/i.test(url)) ? urls : [];
}

/** Makes `pull`. */
export function pullCommand(execute: Execute): CommandUnknownOpts {
  return new Command("pull")
    .summary("get a flist from a hub or a web address")
    .description("Gets a flist and puts it where you say. Its blocks stay in their stores.")
    .argument("<name>", "hub://host/user/name:tag, hub://host/<sha256> or a web address")
    .argument("<flist>", "the file to write")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Get one", "myfs flist pull hub://127.0.0.1:3000/alice/tree:1.0 tree.fl"]),
    )
    .action((name, target, options) =>
      execute(options, async (session) => {
        const path = await localFlist(name, session);
        await Deno.copyFile(path, `${target}.tmp`);
        await Deno.rename(`${target}.tmp`, target);
        await session.result(() => ({ name, target }));
        return EXIT_CODE.ok;
      })
    );
}

/** Makes `search`. */
export function searchCommand(execute: Execute): CommandUnknownOpts {
  return new Command("search")
    .summary("list the flists on a hub")
    .description("Lists the flists on a hub that you may see, by user, name and tag.")
    .argument("[text]", "only those that have it in name, tag or description")
    .option("--user <name>", "only those of this user")
    .option("--page <number>", "which hundred of them", wholeNumber(1, 1_000_000))
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Find one", "myfs flist search debian"]))
    .action((text, options) =>
      execute(options, async (session) => {
        const client = await openHub(options.hub, session);
        const found = await client.flists({
          ...(text === undefined ? {} : { query: text }),
          ...(options.user === undefined ? {} : { user: options.user }),
          ...(options.page === undefined ? {} : { page: options.page }),
        });
        await session.result(
          () => ({ hub: client.hub.name, ...found, flists: [...found.flists] }),
          () =>
            found.flists.map(({ user, name, tag, digest }) => `${user}/${name}:${tag} ${digest}`),
        );
        return EXIT_CODE.ok;
      })
    );
}

/** Makes `history`. */
export function historyCommand(execute: Execute): CommandUnknownOpts {
  return new Command("history")
    .summary("what the tags of a flist stood for")
    .description("Shows what the tags of a flist on a hub stood for, the newest first.")
    .argument("<name>", "hub://host/user/name")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText(["Show it", "myfs flist history hub://127.0.0.1:3000/alice/tree"]),
    )
    .action((given, options) =>
      execute(options, async (session) => {
        const { parseHubFlist } = await import("myfs");
        const reference = parseHubFlist(given);
        if (reference.kind === "digest") throw new UsageError("A digest has no history");
        const client = await openHub(reference.hub.name, session);
        const history = await client.flistHistory(reference.user, reference.flist);
        await session.result(
          () => ({ hub: client.hub.name, ...history }),
          () =>
            history.history.map(({ at, tag, digest, actor }) =>
              `${at}  ${tag}  ${digest ?? "removed"}  ${actor ?? ""}`.trimEnd()
            ),
        );
        return EXIT_CODE.ok;
      })
    );
}
