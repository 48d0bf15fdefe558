/**
 * `myfs-tool container`: a container image becomes a flist and blocks.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import {
  entriesMaxOption,
  limitsOf,
  plainBytesMaxOption,
  ratioMaxOption,
} from "../archive_limits.ts";
import { stateOptions } from "../cache_folder.ts";
import { EXIT_CODE } from "../exit_codes.ts";
import { flistToWrite } from "../flist_reference.ts";
import { examplesText } from "../help.ts";
import { conversionSummary } from "../output/container_images.ts";
import { type RegistryFlags, registryOptions, registryOptionsOf } from "../registry_options.ts";
import { UsageError } from "../problem.ts";
import type { Execute } from "../session.ts";
import {
  collect,
  jobsOption,
  jsonOption,
  quietOption,
  required,
  storeOption,
  storesOf,
  storeSpecOption,
  wholeNumber,
} from "../shared_options.ts";
import {
  concurrencyOption,
  limitRateOption,
  retriesOption,
  timeoutOption,
  tuningOf,
} from "../store_tuning.ts";
import { collectTag } from "../tag.ts";

/** Makes the command. */
export function containerCommand(execute: Execute): CommandUnknownOpts {
  const command = new Command("container")
    .summary("turn a container image into a flist and blocks")
    .description(
      "Converts a container image straight from its registry, a directory, an archive or a daemon: " +
        "no Docker is needed, and nothing is unpacked. Images that share layers share blocks. How a " +
        "container of it starts is in the file .startup.toml of the flist, and the image's own " +
        "configuration in its tags.",
    )
    .option(
      "-i, --image-name <image>",
      "such as nginx, quay.io/fedora/fedora:41, host:5000/app@sha256:…, oci:dir:tag, " +
        "oci-archive:file, docker-archive:file:name or docker-daemon:name",
    )
    .option("-m, --meta <flist>", "the flist to write (default: the image's name and .fl)")
    .addOption(storeOption("where blocks go, such as dir:///path; repeatable, also with a range"))
    .addOption(storeSpecOption)
    .addOption(
      new Option("--profile <profile>", "how blocks are made; rfs is for readers of that format")
        .choices(["myfs", "rfs"]).default("myfs" as const),
    )
    .option("--exclude <pattern>", "leave out paths that match the glob; repeatable", collect)
    .option("--level <level>", "zstd's compression level, 1 to 19 (default: 3)", wholeNumber(1, 19))
    .addOption(entriesMaxOption("an image"))
    .addOption(plainBytesMaxOption("an image"))
    .addOption(ratioMaxOption("a layer"))
    .addOption(jobsOption)
    .option("--tag <key=value>", "tag the flist; repeatable", collectTag)
    .option("--no-strip-password", "keep passwords of store URLs in the flist")
    .addOption(quietOption)
    .addOption(jsonOption)
    .addOption(timeoutOption)
    .addOption(retriesOption)
    .addOption(concurrencyOption)
    .addOption(limitRateOption)
    .addHelpText(
      "after",
      examplesText(
        [
          "Convert an image of Docker's registry",
          "myfs-tool container --image-name nginx:latest --store dir:///srv/blocks",
        ],
        [
          "One of a registry of your own, for another machine",
          "myfs-tool container -i host:5000/app:v1 --platform linux/arm64 -m app.fl -s dir:///srv/blocks",
        ],
      ),
    );
  for (const option of registryOptions()) command.addOption(option);
  return command.action((options) =>
    execute(options, async (session) => {
      const name = required(options.imageName, "--image-name <image>");
      const store = required(storesOf(options), "--store <spec>");
      await refusePath(name);
      const meta = flistToWrite(options.meta ?? flistNameOf(name));
      const { convertImage } = await import("myfs");
      const { profile, exclude, level, jobs } = options;
      const report = await convertImage(name, {
        ...await registryOptionsOf(options as RegistryFlags),
        ...await tuningOf(options),
        ...stateOptions(),
        profile,
        ...(exclude === undefined ? {} : { exclude }),
        ...(level === undefined ? {} : { level }),
        ...(jobs === undefined ? {} : { jobs }),
        limits: limitsOf(options),
        meta,
        store,
        keepSecrets: !options.stripPassword,
        tags: options.tag ?? {},
        signal: session.signal,
        onProgress: session.onProgress,
      });
      await session.result(() => ({ ...report }));
      session.note(() => conversionSummary(report));
      return EXIT_CODE.ok;
    }, {
      onInterrupt: "no flist was written, and blocks that were stored will be reused",
    })
  );
}

/** Says how an archive is named, to those who give its path where an image of a registry is meant. */
async function refusePath(image: string): Promise<void> {
  if (!/^[^:]+\.(?:tar|tgz|tar\.\w+)$/.test(image)) return;
  const isFile = await Deno.stat(image).then((status) => status.isFile, () => false);
  if (!isFile) return;
  throw new UsageError(
    `'${image}' is a file here, but would name an image of a registry`,
    `Write oci-archive:${image} or docker-archive:${image}.`,
  );
}

/** As rfs names it: the image with `:` and `/` turned to `-`, and `.fl`. */
function flistNameOf(image: string): string {
  return `${image.replace(/^docker:\/\//, "").replace(/[:/@]/g, "-")}.fl`;
}
