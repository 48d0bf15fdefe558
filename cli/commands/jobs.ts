/**
 * `myfs jobs`: conversions of container images by a hub.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { HubJobState } from "myfs";
import { EXIT_CODE } from "../exit_codes.ts";
import { examplesText } from "../help.ts";
import { hubOption, openHub } from "../hub.ts";
import { jobCredentials, showJob } from "../hub_conversion.ts";
import { jobLine, jobLines, jobLogLines } from "../output/jobs.ts";
import { credentialOptions, credentialsOf, type RegistryFlags } from "../registry_options.ts";
import type { Execute } from "../session.ts";
import { jsonOption, quietOption, wholeNumber } from "../shared_options.ts";

const STATES = ["queued", "running", "finished", "failed", "canceled"] as const;

/** Makes the command. */
export function jobsCommand(execute: Execute): CommandUnknownOpts {
  return new Command("jobs")
    .summary("conversions of container images by a hub")
    .description(
      "Lists, shows, ends and repeats conversions of container images by a hub. " +
        "myfs-tool container --hub starts them.",
    )
    .addCommand(listCommand(execute))
    .addCommand(showCommand(execute))
    .addCommand(logCommand(execute))
    .addCommand(waitCommand(execute))
    .addCommand(cancelCommand(execute))
    .addCommand(retryCommand(execute))
    .addHelpText("after", examplesText(["What is going on", "myfs jobs list --state running"]));
}

function listCommand(execute: Execute): CommandUnknownOpts {
  return new Command("list")
    .summary("list jobs")
    .description("Lists your jobs, the newest first.")
    .addOption(new Option("--state <state>", "only those").choices(STATES))
    .option("--user <name>", "whose, for administrators; * for all")
    .option("--page <number>", "which hundred of them", wholeNumber(1, 1_000_000))
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["List them", "myfs jobs list"]))
    .action((options) =>
      execute(options, async (session) => {
        const { listHubJobs } = await import("myfs");
        const client = await openHub(options.hub, session);
        const { state, user, page } = options;
        const found = await listHubJobs(client, {
          ...(state === undefined ? {} : { state: state as HubJobState }),
          ...(user === undefined ? {} : { user }),
          ...(page === undefined ? {} : { page }),
        });
        await session.result(
          () => ({ hub: client.hub.name, ...found, jobs: [...found.jobs] }),
          () => found.jobs.map(jobLine),
        );
        return EXIT_CODE.ok;
      })
    );
}

function showCommand(execute: Execute): CommandUnknownOpts {
  return jobCommand("show", "show a job", "Shows a job as it is now.")
    .action((id, options) =>
      execute(options, async (session) => {
        const { getHubJob } = await import("myfs");
        const client = await openHub(options.hub, session);
        const job = await getHubJob(client, id);
        await session.result(() => ({ hub: client.hub.name, ...job }), () => jobLines(job));
        return EXIT_CODE.ok;
      })
    );
}

function logCommand(execute: Execute): CommandUnknownOpts {
  return jobCommand("log", "show what a job says of itself", "Shows the log of a job.")
    .action((id, options) =>
      execute(options, async (session) => {
        const { readHubJobLog } = await import("myfs");
        const client = await openHub(options.hub, session);
        const lines = await readHubJobLog(client, id);
        await session.result(
          () => ({ hub: client.hub.name, lines: [...lines] }),
          () => jobLogLines(lines),
        );
        return EXIT_CODE.ok;
      })
    );
}

function waitCommand(execute: Execute): CommandUnknownOpts {
  return jobCommand("wait", "wait for a job", "Shows how far a job is until it has ended.")
    .action((id, options) =>
      execute(options, async (session) => {
        return await showJob(await openHub(options.hub, session), id, session);
      }, { onInterrupt: "the job goes on at the hub" })
    );
}

function cancelCommand(execute: Execute): CommandUnknownOpts {
  return jobCommand("cancel", "end a job", "Ends a job. What it stored is given up.")
    .action((id, options) =>
      execute(options, async (session) => {
        const { cancelHubJob } = await import("myfs");
        const client = await openHub(options.hub, session);
        const job = await cancelHubJob(client, id);
        await session.result(() => ({ hub: client.hub.name, ...job }), () => [jobLine(job)]);
        return EXIT_CODE.ok;
      })
    );
}

function retryCommand(execute: Execute): CommandUnknownOpts {
  const command = jobCommand(
    "retry",
    "start a job again",
    "Starts a job again that failed or was canceled. The hub keeps no credentials: where the job " +
      "needs them, give them again.",
  ).option("--detach", "do not wait for it");
  for (const option of credentialOptions()) command.addOption(option);
  return command.action((id, options) =>
    execute(options, async (session) => {
      const { retryHubJob } = await import("myfs");
      const client = await openHub(options.hub, session);
      const credentials = await credentialsOf(
        options as RegistryFlags,
        (name) => Deno.env.get(name),
      );
      const job = await retryHubJob(client, id, jobCredentials(credentials));
      if (options.detach !== true) return await showJob(client, id, session);
      await session.result(() => ({ hub: client.hub.name, ...job }), () => [jobLine(job)]);
      return EXIT_CODE.ok;
    }, { onInterrupt: "the job goes on at the hub" })
  );
}

function jobCommand(
  name: string,
  summary: string,
  description: string,
): Command<[string], { hub?: string; quiet?: true; json?: true }> {
  return new Command(name)
    .summary(summary)
    .description(description)
    .argument("<id>", "the job's id, as myfs jobs list prints it")
    .addOption(hubOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      examplesText([
        `${summary[0]!.toUpperCase()}${summary.slice(1)}`,
        `myfs jobs ${name} 0c9e5c2e-0a8f`,
      ]),
    );
}
