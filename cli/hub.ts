/**
 * Which hub a command talks to, and as whom.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { HubClient } from "myfs";
import { credentialsPath, environmentToken } from "./hub_credentials.ts";
import { UsageError } from "./problem.ts";
import type { Session } from "./session.ts";

/** `--hub` */
export const hubOption = new Option(
  "--hub <hub>",
  "the hub, such as hub://host:3000 or hubs://host (default: $MYFS_HUB)",
);

/** `--server`, as rfs calls it. */
export const serverOption = new Option("-s, --server <hub>", "the same as --hub").hideHelp();

/** What {@link hubOption} and {@link serverOption} gave. */
export interface HubOptions {
  readonly hub?: string;
  readonly server?: string;
}

/** Longest password that is read, in characters. */
const PASSWORD_LENGTH_MAX = 1024;

/** As {@link openHub}, for commands that rfs has too. */
export async function openNamedHub(
  { hub, server }: HubOptions,
  session: Pick<Session, "signal">,
): Promise<HubClient> {
  return await openHub(hub ?? server, session);
}

/**
 * A client of the hub that `hub` or `MYFS_HUB` names: with the token of the environment, else with
 * those that `myfs login` has kept. Beside `MYFS_HUB`, the token is for that hub alone.
 *
 * @throws {UsageError} where neither names a hub.
 */
export async function openHub(
  hub: string | undefined,
  { signal }: Pick<Session, "signal">,
): Promise<HubClient> {
  const named = hub ?? Deno.env.get("MYFS_HUB");
  if (named === undefined || named === "") {
    throw new UsageError("No hub is named", "Name it with --hub, or in MYFS_HUB.");
  }
  const { connectHub, HubCredentials, parseHubAddress } = await import("myfs");
  const own = Deno.env.get("MYFS_HUB");
  const isMeant = !own || parseHubAddress(own).name === parseHubAddress(named).name;
  const token = isMeant ? await environmentToken() : undefined;
  return await connectHub(named, {
    signal,
    ...(token ? { token } : { credentials: new HubCredentials(credentialsPath()) }),
  });
}

/**
 * A password: the first line of standard input where `fromStdin`, else what `MYFS_HUB_PASSWORD`
 * says, else what is typed, unseen. Never an argument: those show in lists of processes.
 */
export async function readPassword(question: string, fromStdin: boolean): Promise<string> {
  const given = Deno.env.get("MYFS_HUB_PASSWORD");
  if (!fromStdin && given) return given;
  if (!fromStdin && !Deno.stdin.isTerminal()) {
    throw new UsageError(
      "There is no terminal to ask for the password at",
      "Pass --password-stdin, or set MYFS_HUB_PASSWORD.",
    );
  }
  const password = fromStdin ? await firstLine() : await typedUnseen(question);
  if (password === "") throw new UsageError("The password is empty");
  return password;
}

async function firstLine(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const buffer = new Uint8Array(PASSWORD_LENGTH_MAX);
  while (!text.includes("\n") && text.length <= PASSWORD_LENGTH_MAX) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text.split(/\r?\n/, 1)[0]!;
}

/** Keeps Ctrl-C working: `cbreak` leaves it to the system. */
async function typedUnseen(question: string): Promise<string> {
  await Deno.stderr.write(new TextEncoder().encode(question));
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(256);
    let text = "";
    for (;;) {
      const count = await Deno.stdin.read(buffer);
      if (count === null) return text;
      for (const sign of decoder.decode(buffer.subarray(0, count), { stream: true })) {
        if (sign === "\n" || sign === "\r") return text;
        text = sign === "\x7f" || sign === "\b" ? text.slice(0, -1) : text + sign;
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    await Deno.stderr.write(new TextEncoder().encode("\n"));
  }
}
