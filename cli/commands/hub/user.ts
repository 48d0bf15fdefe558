/**
 * `myfs-hub user`: the hub's users, in its database. A hub that runs sees the change at once.
 *
 * @module
 */

import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { EXIT_CODE } from "../../exit_codes.ts";
import { examplesText } from "../../help.ts";
import { formatBytes, formatCount, formatNoun } from "../../output/format.ts";
import { MissingError, UsageError } from "../../problem.ts";
import type { Execute } from "../../session.ts";
import { jsonOption, quietOption, wholeNumber } from "../../shared_options.ts";
import { byteCount } from "../../store_tuning.ts";
import { configOptions, configPathOption } from "./config_option.ts";

const passwordFileOption = new Option(
  "--password-file <file>",
  "take the password from a file; '-' for standard input, which is the default without a terminal",
);

const OBJECT_COUNT = wholeNumber(0, Number.MAX_SAFE_INTEGER);

type HubUserInfo = Awaited<
  ReturnType<import("../../../hub/mod.ts").OpenAccounts["accounts"]["changeUser"]>
>;

/** Whom the audit log names. */
const ACTOR = "command line";

/** Makes the command. */
export function userCommand(execute: Execute): CommandUnknownOpts {
  return new Command("user")
    .summary("make, change and list users")
    .description("Makes, changes and lists users. A password is never an argument.")
    .addCommand(addCommand(execute))
    .addCommand(passwordCommand(execute))
    .addCommand(listCommand(execute))
    .addCommand(setCommand(execute))
    .addCommand(disableCommand(execute)) as CommandUnknownOpts;
}

function addCommand(execute: Execute): CommandUnknownOpts {
  return new Command("add")
    .summary("make a user")
    .description("Makes a user, with a password from a prompt, standard input or a file.")
    .argument("<name>", "the user")
    .option("--admin", "who administers the hub")
    .addOption(passwordFileOption)
    .addOption(configPathOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((name, options) =>
      execute(options, async (session) => {
        const password = await readPassword(options.passwordFile);
        await using hub = await openAccounts(options);
        const role = options.admin === true ? "admin" : "user";
        const user = await task(
          `make the user ${name}`,
          hub.accounts.createUser({ name, password, role }, ACTOR, {}),
        );
        await session.result(() => ({ user }));
        session.note(() => [`Made ${role} ${name}`]);
        return EXIT_CODE.ok;
      })
    );
}

function passwordCommand(execute: Execute): CommandUnknownOpts {
  return new Command("passwd")
    .summary("give a user another password")
    .description("Gives a user another password, and ends their sessions.")
    .argument("<name>", "the user")
    .addOption(passwordFileOption)
    .addOption(configPathOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((name, options) =>
      execute(options, async (session) => {
        const password = await readPassword(options.passwordFile);
        await using hub = await openAccounts(options);
        const user = await task(
          `change the password of ${name}`,
          hub.accounts.changeUser(name, { password }, ACTOR, {}),
        );
        await session.result(() => ({ user }));
        session.note(() => [`Changed the password of ${name}`]);
        return EXIT_CODE.ok;
      })
    );
}

function listCommand(execute: Execute): CommandUnknownOpts {
  return new Command("list")
    .summary("list users")
    .description("Lists users by name, with their roles.")
    .addOption(configPathOption)
    .addOption(jsonOption)
    .action((options) =>
      execute(options, async (session) => {
        await using hub = await openAccounts(options);
        const { users } = await hub.accounts.listUsers();
        await session.result(
          () => ({ users }),
          () =>
            users.map(({ name, role, disabled }) =>
              `${name}\t${role}${disabled ? "\tdisabled" : ""}`
            ),
        );
        return EXIT_CODE.ok;
      })
    );
}

function setCommand(execute: Execute): CommandUnknownOpts {
  return new Command("set")
    .summary("change a user's role or quota")
    .description(
      "Changes what a user may do and keep. Blocks count once for each user who has them; blocks, " +
        "files and flists are objects. 'user list --json' shows what each takes.",
    )
    .argument("<name>", "the user")
    .addOption(new Option("--role <role>", "what the user is").choices(["user", "admin"] as const))
    .addOption(
      new Option("--bytes-max <bytes>", "the most bytes, such as 10G; 'none' for any number")
        .argParser((text) => text === "none" ? text : byteCount(text)),
    )
    .addOption(
      new Option("--objects-max <count>", "the most objects; 'none' for any number")
        .argParser((text) => text === "none" ? text : OBJECT_COUNT(text)),
    )
    .addOption(configPathOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .addHelpText("after", examplesText(["Ten gigabytes", "myfs-hub user set bob --bytes-max 10G"]))
    .action((name, options) =>
      execute(options, async (session) => {
        const quota = (value: number | "none" | undefined): number | null | undefined =>
          value === "none" ? null : value;
        const change = {
          role: options.role,
          bytes_max: quota(options.bytesMax),
          objects_max: quota(options.objectsMax),
        };
        if (Object.values(change).every((value) => value === undefined)) {
          throw new UsageError("There is nothing to change", "Pass --role or a quota.");
        }
        await using hub = await openAccounts(options);
        const user = await task(
          `change ${name}`,
          hub.accounts.changeUser(name, change, ACTOR, {}),
        );
        await session.result(() => ({ user }));
        session.note(() => [`Changed ${name}: ${describe(user)}`]);
        return EXIT_CODE.ok;
      })
    );
}

function describe(user: HubUserInfo): string {
  const { role, bytes_used = 0, bytes_max, objects_used = 0, objects_max } = user;
  const bytes = bytes_max == null ? "any number" : formatBytes(bytes_max);
  const objects = objects_max == null ? "any number" : formatCount(objects_max);
  return `${role}, ${formatBytes(bytes_used)} of ${bytes}, ` +
    `${formatNoun(objects_used, "object")} of ${objects}`;
}

function disableCommand(execute: Execute): CommandUnknownOpts {
  return new Command("disable")
    .summary("shut a user out, or let them in again")
    .description("Shuts a user out: their sessions and tokens stop working. What they own stays.")
    .argument("<name>", "the user")
    .option("--undo", "let the user in again")
    .addOption(configPathOption)
    .addOption(quietOption)
    .addOption(jsonOption)
    .action((name, options) =>
      execute(options, async (session) => {
        await using hub = await openAccounts(options);
        const disabled = options.undo !== true;
        const user = await task(
          `${disabled ? "disable" : "enable"} ${name}`,
          hub.accounts.changeUser(name, { disabled }, ACTOR, {}),
        );
        await session.result(() => ({ user }));
        session.note(() => [`${disabled ? "Disabled" : "Enabled"} ${name}`]);
        return EXIT_CODE.ok;
      })
    );
}

/** What the hub refuses, as a sentence that says what it was for. */
async function task<Value>(what: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error && error.name === "HubProblem")) throw error;
    const { code } = error as { readonly code?: string };
    const message = `Cannot ${what}: ${error.message}`;
    if (code === "user_not_found") throw new MissingError(message);
    throw Object.assign(new Error(message, { cause: error }), { code });
  }
}

async function openAccounts(
  options: { readonly configPath?: string },
): Promise<import("../../../hub/mod.ts").OpenAccounts> {
  const hub = await import("../../../hub/mod.ts");
  return await hub.openAccounts(await hub.loadConfig(configOptions(options)));
}

/** The password: from a file, from standard input, or typed twice without being shown. */
async function readPassword(file: string | undefined): Promise<string> {
  if (file !== undefined && file !== "-") return firstLine(await Deno.readTextFile(file));
  if (file === undefined && Deno.stdin.isTerminal()) {
    const password = await typed("Password: ");
    if (await typed("Again: ") !== password) throw new UsageError("The passwords differ");
    return password;
  }
  return firstLine(await new Response(Deno.stdin.readable).text());
}

function firstLine(text: string): string {
  const line = text.replace(/\r?\n[^]*$/, "");
  if (line !== "") return line;
  throw new UsageError("There is no password");
}

async function typed(question: string): Promise<string> {
  const encoder = new TextEncoder();
  Deno.stderr.writeSync(encoder.encode(question));
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    const bytes: number[] = [];
    const one = new Uint8Array(1);
    while (await Deno.stdin.read(one) !== null && one[0] !== 10 && one[0] !== 13) {
      if (one[0] === 127 || one[0] === 8) bytes.pop();
      else bytes.push(one[0]!);
    }
    return new TextDecoder().decode(new Uint8Array(bytes));
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(encoder.encode("\n"));
  }
}
