/**
 * From arguments to an exit code: parses, runs the command, prints what went wrong, and ends the
 * process. Nothing else of the command line calls `Deno.exit`.
 *
 * @module
 */

import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  type EndingSignal,
  EXIT_CODE,
  EXIT_CODE_BY_SIGNAL,
  type ExitCode,
  exitCodeOf,
} from "./exit_codes.ts";
import { commandPath } from "./command_path.ts";
import { OutputClosedError } from "./output/standard_output.ts";
import { describeProblem, type Problem, UsageError } from "./problem.ts";
import {
  type CommandHandler,
  type CommonOptions,
  type Execute,
  type ExecuteOptions,
  Session,
  terminalColumns,
  writeStderr,
} from "./session.ts";

/** Makes a program's commands; what they do goes through `execute`. */
export type BuildProgram = (execute: Execute) => CommandUnknownOpts;

/** Runs a program with this process's arguments, and ends the process. */
export async function main(build: BuildProgram): Promise<never> {
  Deno.exit(await run(build, Deno.args));
}

async function run(build: BuildProgram, args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_CODE.ok;
  let running: CommandUnknownOpts | undefined;
  const program = build(async (options, handler, executeOptions) => {
    const checked: CommandHandler = (session) =>
      handler(session).catch((error) => {
        throw error instanceof UsageError ? error.withHint(usageHint(running ?? program)) : error;
      });
    exitCode = await execute(options, checked, executeOptions);
  });
  program.hook("preAction", (_, command) => {
    running = command;
  });
  prepare(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof OutputClosedError) return EXIT_CODE.ok;
    // `--help` and `--version` arrive as errors that ask for exit code 0; help that was not asked
    // for, because a command is missing, asks for another.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.usage;
    }
    const options = { json: args.includes("--json") };
    return await failWith(new Session(options, new AbortController().signal), error);
  }
}

/** Runs one command under the signals that may end it. */
async function execute(
  options: CommonOptions,
  handler: CommandHandler,
  { onInterrupt, ownSignals = false, failedExitCode = EXIT_CODE.failed }: ExecuteOptions = {},
): Promise<number> {
  const controller = new AbortController();
  const session = new Session(options, controller.signal);
  let endedBy: EndingSignal | undefined;
  const end = (signal: EndingSignal): void => {
    // Who asks twice does not want to wait for the cleaning up.
    if (endedBy !== undefined) {
      session.clearProgress();
      Deno.exit(EXIT_CODE_BY_SIGNAL[signal]);
    }
    endedBy = signal;
    controller.abort(new DOMException(`Ended by ${signal}`, "AbortError"));
  };
  if (!ownSignals) {
    for (const signal of Object.keys(EXIT_CODE_BY_SIGNAL) as EndingSignal[]) {
      Deno.addSignalListener(signal, () => end(signal));
    }
  }
  try {
    return await handler(session);
  } catch (error) {
    if (error instanceof OutputClosedError) return EXIT_CODE.ok;
    if (endedBy === undefined) {
      const exitCode = await failWith(session, error);
      return exitCode === EXIT_CODE.failed ? failedExitCode : exitCode;
    }
    await tell(session, {
      code: "interrupted",
      message: `Ended by ${endedBy}${onInterrupt === undefined ? "" : `; ${onInterrupt}`}`,
    });
    return EXIT_CODE_BY_SIGNAL[endedBy];
  } finally {
    session.clearProgress();
  }
}

async function failWith(session: Session, error: unknown): Promise<ExitCode> {
  await tell(session, describeProblem(error));
  if (Deno.env.get("MYFS_DEBUG") === "1") {
    writeStderr(`${Deno.inspect(error, { colors: false, depth: 8 })}\n`);
  }
  return exitCodeOf(error);
}

async function tell(session: Session, problem: Problem): Promise<void> {
  try {
    await session.fail(problem);
  } catch (error) {
    // Standard output is the problem itself, for example on a full disk.
    if (!(error instanceof OutputClosedError)) writeStderr(`error: ${problem.message}\n`);
  }
}

/** Makes a command and all below it explain themselves and report mistakes in one way. */
function prepare(command: CommandUnknownOpts): void {
  command
    .helpOption("-h, --help", "print this help")
    .configureHelp({ subcommandTerm: (child) => child.name() })
    .configureOutput({
      writeOut: writeStdout,
      writeErr: writeStderr,
      outputError: () => {},
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
    })
    .exitOverride((error) => {
      if (error.exitCode === 0 || error.code === "commander.help") throw error;
      throw toUsageError(error, command);
    });
  if (command.commands.length > 0) {
    // Commander's own help command knows one level only; commands/help.ts knows all.
    command.usage("<command> [options]").helpCommand(false);
    // It prints this command's help for `flist lss --help` too, which looks as if all were well.
    command.addHelpText("before", () => {
      const [name] = command.args;
      const isKnown = command.commands.some((child) => child.name() === name);
      if (name !== undefined && !name.startsWith("-") && !isKnown) refuseUnknown(command);
      return "";
    });
  }
  for (const child of command.commands) prepare(child);
}

/** Throws what commander throws for a command that there is not, with what may be meant. */
function refuseUnknown(command: CommandUnknownOpts): void {
  (command as CommandUnknownOpts & { unknownCommand(): void }).unknownCommand();
}

/**
 * Turns `error: unknown option '--mta'\n(Did you mean --meta?)` and `error: too many arguments. Expected
 * 1 argument but got 2` into a sentence and a hint.
 */
function toUsageError(error: CommanderError, command: CommandUnknownOpts): UsageError {
  const text = error.message.replace(/^error: /, "");
  const [, problem = text, hint] = /^(.+?)(?:\n\(|\. )(.+?)[.)]*$/s.exec(text) ?? [];
  return new UsageError(
    problem.charAt(0).toUpperCase() + problem.slice(1),
    hint ?? usageHint(command),
  );
}

function usageHint(command: CommandUnknownOpts): string {
  return `'${commandPath(command)} --help' shows how it is used.`;
}

/** Lines that are longer are hard to read. */
const HELP_WIDTH_MAX = 100;

function helpWidth(): number {
  return Math.min(terminalColumns(), HELP_WIDTH_MAX);
}

function writeStdout(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosedError();
    throw error;
  }
}
