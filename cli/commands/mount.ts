/**
 * `myfs mount`: an image as a read-only file system.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import {
  cacheOption,
  cacheSizeOption,
  noDefaultCacheOption,
  openDefaultCache,
  withoutCache,
} from "../block_cache.ts";
import { stateOptions } from "../cache_folder.ts";
import { EXIT_CODE } from "../exit_codes.ts";
import { isRemoteFlist, localFlist } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { mountLibrary } from "../library.ts";
import { isDaemon, startDaemon, successorCommand, tellStarter } from "../mount_daemon.ts";
import { EventLog } from "../output/event_log.ts";
import { MissingError } from "../problem.ts";
import type { Execute, Session } from "../session.ts";
import {
  prefetchOf,
  prefetchOption,
  prefetchRateOption,
  traceInOption,
  traceOutOption,
  writeTrace,
} from "../prefetch_options.ts";
import {
  jsonOption,
  metaOption,
  quietOption,
  storeOption,
  storeOptions,
  storesOf,
  storeSpecOption,
  takeFlist,
  trustRoutesOption,
  wholeNumber,
} from "../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../store_tuning.ts";

const graceOption = new Option(
  "--grace <seconds>",
  "how long programs wait for another process when this one is killed; 0: they get errors at once " +
    "(default: 30)",
).argParser(wholeNumber(0, 86_400));

/** Makes the command. */
export function mountCommand(execute: Execute): CommandUnknownOpts {
  return new Command("mount")
    .summary("look into an image as a directory, without unpacking it")
    .description(
      "Mounts an image on a directory, read only. It is there at once: content is fetched when a " +
        "program reads it. The command serves it until Ctrl-C, SIGTERM or 'myfs umount' end it; " +
        "with --daemon it goes to the background as soon as the mount answers, and is started again " +
        "when it is killed.",
    )
    .usage("[options] [flist] <target>")
    .argument("[flist]", "the flist, unless --meta names it; also hub://host/user/name:tag")
    .argument("[target]", "the directory to mount on")
    .addOption(metaOption)
    .addOption(storeOption("read blocks from here instead of the flist's routes; repeatable"))
    .addOption(storeSpecOption)
    .option("-d, --daemon", "go to the background once the mount answers")
    .option("--log <file>", "append what goes wrong to this file instead of standard error")
    .option("--writable <upper-dir>", "let programs change it; changes go to this directory (root)")
    .option("--takeover", "serve a mount on whose process was killed; the flist may be left out")
    .addOption(graceOption)
    .option("--allow-other", "let other users look into it (root's default)")
    .option("--no-allow-other", "let nobody else look into it (the others' default)")
    .addOption(trustRoutesOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(cacheOption)
    .addOption(noDefaultCacheOption)
    .addOption(cacheSizeOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addOption(prefetchOption)
    .addOption(prefetchRateOption)
    .addOption(traceInOption)
    .addOption(traceOutOption)
    .addHelpText(
      "after",
      examplesText(
        ["Mount an image, until Ctrl-C", "myfs mount --meta tree.fl ./mnt"],
        ["Mount it in the background", "myfs mount --daemon --log mnt.log tree.fl ./mnt"],
        ["Mount one that a hub has", "myfs mount hub://127.0.0.1:3000/alice/tree:1.0 ./mnt"],
        ["Keep what is fetched in a folder of its own", "myfs mount tree.fl ./mnt --cache=/srv/c"],
        ["Change it, and keep the changes", "myfs mount --writable ./upper tree.fl ./mnt"],
        ["Serve it on after its process was killed", "myfs mount --takeover ./mnt"],
      ),
    )
    .action((flist, operand, options) =>
      execute(options, async (session) => {
        const { named, meta, target } = await operandsOf(options, [flist, operand], session);
        if (options.daemon === true && !isDaemon()) return await startDaemon();
        const { mountImage } = await mountLibrary();
        using log = await EventLog.open(options.log, session);
        await using cache = await openDefaultCache(options, session, meta, storesOf(options));
        const {
          grace,
          takeover,
          daemon: _daemon,
          log: _log,
          prefetch: _prefetch,
          traceIn: _traceIn,
          traceOut,
          ...others
        } = withoutCache(options);
        await using mount = await mountImage(meta, target, {
          ...others,
          ...(cache === undefined ? {} : { cache }),
          ...storeOptions(options),
          ...await tuningOf(options),
          ...stateOptions(),
          ...await prefetchOf(options),
          takeOver: takeover ?? false,
          // Where nobody sits in front of it, it comes back by itself.
          ...(grace === 0 ? {} : {
            keep: {
              ...(grace === undefined ? {} : { graceSeconds: grace }),
              ...(isDaemon() ? { command: successorCommand() } : {}),
            },
          }),
          signal: session.signal,
          onEvent: (event) => log.write(event),
        });
        session.note(() => [`${named} is mounted on ${target}`]);
        tellStarter(options.json === true ? { meta: named, target, pid: Deno.pid } : undefined);
        const end = await Promise.race([mount.finished, aborted(session.signal)]);
        // Programs may still use it, which does not keep this one.
        if (end === undefined) await mount.unmount();
        if (traceOut !== undefined) await writeTrace(traceOut, mount);
        session.signal.throwIfAborted();
        await session.result(() => ({ target: mount.target, end, ...mount.statistics() }));
        return end === "unmounted" ? EXIT_CODE.ok : EXIT_CODE.failed;
      }, { onInterrupt: "it is unmounted" })
    );
}

/** What is to be mounted, and where. */
interface MountOperands {
  /** The flist as it was named. */
  readonly named: string;
  /** Its path. */
  readonly meta: string;
  readonly target: string;
}

/**
 * What the operands name. A mount that is taken over knows its flist by itself, also where it was
 * named on a hub: what has that name now may be another.
 */
async function operandsOf(
  { meta, takeover }: { readonly meta?: string; readonly takeover?: boolean },
  operands: readonly (string | undefined)[],
  session: Session,
): Promise<MountOperands> {
  const [alone, second] = operands;
  if (takeover === true && meta === undefined && alone !== undefined && second === undefined) {
    const path = await flistOn(alone);
    return { named: path, meta: path, target: alone };
  }
  const [named, target] = takeFlist(meta, operands, ["target"]);
  const isTakenOver = takeover === true && isRemoteFlist(named);
  const path = isTakenOver ? await flistOn(target) : await localFlist(named, session);
  return { named, meta: path, target };
}

/** The flist that is mounted on `target`. */
async function flistOn(target: string): Promise<string> {
  const { mountedFlist } = await mountLibrary();
  const mounted = await mountedFlist(target);
  if (mounted === undefined) throw new MissingError(`No image is mounted on ${target}`);
  return mounted;
}

/** Resolves when `signal` is aborted. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
