/**
 * `myfs mount`: an image as a read-only file system.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  cacheOption,
  cacheSizeOption,
  noCacheOption,
  openReadCache,
  withoutCache,
} from "../block_cache.ts";
import { stateOptions } from "../cache_folder.ts";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { startDaemon, tellStarter } from "../mount_daemon.ts";
import { EventLog } from "../output/event_log.ts";
import type { Execute } from "../session.ts";
import {
  jsonOption,
  metaOption,
  quietOption,
  storeOption,
  storeOptions,
  storeSpecOption,
  takeFlist,
  trustRoutesOption,
} from "../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../store_tuning.ts";

/** Makes the command. */
export function mountCommand(execute: Execute): CommandUnknownOpts {
  return new Command("mount")
    .summary("look into an image as a directory, without unpacking it")
    .description(
      "Mounts an image on a directory, read only. It is there at once: content is fetched when a " +
        "program reads it. The command serves it until Ctrl-C, SIGTERM or 'myfs umount' end it; " +
        "with --daemon it goes to the background as soon as the mount answers.",
    )
    .usage("[options] [flist] <target>")
    .argument("[flist]", "the flist, unless --meta names it")
    .argument("[target]", "the directory to mount on")
    .addOption(metaOption)
    .addOption(storeOption("read blocks from here instead of the flist's routes; repeatable"))
    .addOption(storeSpecOption)
    .option("-d, --daemon", "go to the background once the mount answers")
    .option("--log <file>", "append what goes wrong to this file instead of standard error")
    .option("--allow-other", "let other users look into it (root's default)")
    .option("--no-allow-other", "let nobody else look into it (the others' default)")
    .addOption(trustRoutesOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(cacheOption)
    .addOption(noCacheOption)
    .addOption(cacheSizeOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        ["Mount an image, until Ctrl-C", "myfs mount --meta tree.fl ./mnt"],
        ["Mount it in the background", "myfs mount --daemon --log mnt.log tree.fl ./mnt"],
        ["Keep what is fetched for the next time", "myfs mount tree.fl ./mnt --cache"],
      ),
    )
    .action((flist, operand, options) =>
      execute(options, async (session) => {
        const [meta, target] = takeFlist(options.meta, [flist, operand], ["target"]);
        if (options.daemon === true) return await startDaemon();
        const { mountImage } = await import("myfs");
        using log = await EventLog.open(options.log, session);
        await using cache = await openReadCache(options, session);
        await using mount = await mountImage(meta, target, {
          ...withoutCache(options),
          ...(cache === undefined ? {} : { cache }),
          ...storeOptions(options),
          ...tuningOf(options),
          ...stateOptions(),
          signal: session.signal,
          onEvent: (event) => log.write(event),
        });
        session.note(() => [`${meta} is mounted on ${target}`]);
        tellStarter();
        const end = await Promise.race([mount.finished, aborted(session.signal)]);
        // Programs may still use it, which does not keep this one.
        if (end === undefined) await mount.unmount();
        session.signal.throwIfAborted();
        await session.result(() => ({ target: mount.target, end, ...mount.statistics() }));
        return end === "unmounted" ? EXIT_CODE.ok : EXIT_CODE.failed;
      }, { onInterrupt: "it is unmounted" })
    );
}

/** Resolves when `signal` is aborted. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
