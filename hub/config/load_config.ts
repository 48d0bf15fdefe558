/**
 * From a TOML file and the environment to a checked configuration.
 *
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import type * as z from "zod";
import { Settings, VARIABLE_PREFIX } from "./settings.ts";
import { lineOfKey } from "./toml_lines.ts";

/** Reads one variable of the environment. */
export type ReadVariable = (name: string) => string | undefined;

/** What a hub runs with: every path is absolute, and every place is known. */
export interface HubConfig extends Settings {
  readonly data_dir: string;
  readonly store_url: string[];
  readonly flist_dir: string;
  readonly sqlite_path: string;
  readonly storage_dir: string;
  /** Empty for none. */
  readonly socket_path: string;
  /** Whether somebody asked for the socket, so that it has to be there. */
  readonly socketIsAsked: boolean;
  /** The file that was read; undefined for the embedded default. */
  readonly path: string | undefined;
}

/** A configuration that cannot be used, with each thing that is wrong about it. */
export class ConfigError extends Error {
  /** Stable name of the failure. */
  readonly code = "usage";
  /** What to do about it. */
  readonly hint = "'myfs-hub config example' shows every setting.";
  /** What is wrong, one sentence each. */
  readonly problems: readonly string[];

  constructor(where: string, problems: readonly string[]) {
    super(`Cannot use ${where}: ${problems.join("; ")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Variables with the prefix that are no settings: where the file is, and those of clients. */
const OTHER_VARIABLES = ["CONFIG_PATH", "TOKEN", "TOKEN_FILE", "PASSWORD"]
  .map((name) => VARIABLE_PREFIX + name);

/** How to load. */
export interface LoadConfigOptions {
  /** The TOML file; without one, the embedded default counts. */
  readonly path?: string;
  readonly read?: ReadVariable;
  /** Names of the variables that are set. @default those of the process, unless `read` is given */
  readonly names?: readonly string[];
}

/** Loads a configuration. @throws {ConfigError} when it cannot be used. */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<HubConfig> {
  const read = options.read ?? ((name) => Deno.env.get(name));
  const names = options.names ??
    (options.read === undefined ? Object.keys(Deno.env.toObject()) : []);
  const path = options.path ?? read(`${VARIABLE_PREFIX}CONFIG_PATH`);
  const text = path === undefined ? "" : await readConfigFile(path);
  const folder = path === undefined ? Deno.cwd() : resolve(path, "..");
  const file = parseToml(text, path);
  refuseUnknownVariables(names);
  const { values, sources } = await fromEnvironment(read);
  const { success, data, error } = Settings.safeParse({ ...file, ...values });
  if (!success) {
    const problems = error.issues.flatMap((issue) => describe(issue, text, sources));
    throw new ConfigError(path ?? "the environment", problems);
  }
  return complete(data, { folder, path, read });
}

async function readConfigFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new ConfigError(path, [error instanceof Error ? error.message : String(error)]);
  }
}

function parseToml(text: string, path: string | undefined): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of the message shows the text itself, which may be a secret.
    const reason = error.message.split("\n")[0]!.replace("Invalid TOML document: ", "");
    throw new ConfigError(path ?? "the configuration", [`line ${error.line}: ${reason}`]);
  }
}

/** A variable that nobody reads is a setting that somebody believes in. */
function refuseUnknownVariables(names: readonly string[]): void {
  const settings = Object.keys(Settings.shape).map((name) => VARIABLE_PREFIX + name.toUpperCase());
  const known = [...settings, ...settings.map((name) => `${name}_FILE`), ...OTHER_VARIABLES];
  const problems = names.filter((name) => name.startsWith(VARIABLE_PREFIX) && !known.includes(name))
    .map((name) => `unknown variable ${name}${didYouMean(name, known)}`);
  if (problems.length > 0) throw new ConfigError("the environment", problems.toSorted());
}

/** Settings of the environment, as values, with the variable that each came from. */
async function fromEnvironment(read: ReadVariable): Promise<{
  readonly values: Record<string, unknown>;
  readonly sources: ReadonlyMap<string, string>;
}> {
  const values: Record<string, unknown> = {};
  const sources = new Map<string, string>();
  for (const name of Object.keys(Settings.shape)) {
    const variable = `${VARIABLE_PREFIX}${name.toUpperCase()}`;
    const file = read(`${variable}_FILE`);
    const direct = read(variable);
    if (file !== undefined && direct !== undefined) {
      throw new ConfigError("the environment", [`both ${variable} and ${variable}_FILE are set`]);
    }
    if (file === undefined && direct === undefined) continue;
    const source = direct === undefined ? `${variable}_FILE` : variable;
    const text = direct ?? (await readConfigFile(file!)).replace(/\r?\n$/, "");
    sources.set(name, source);
    values[name] = fromText(name, text);
  }
  return { values, sources };
}

/** Settings that a variable of the environment may give separated by spaces or commas. */
const LISTS: ReadonlySet<string> = new Set([
  "store_url",
  "trusted_proxies",
  "registries",
  "private_registries",
  "plain_http_registries",
]);

/** The value that a text stands for: TOML for lists, numbers and truth, else the text itself. */
function fromText(name: string, text: string): unknown {
  const current = Settings.shape[name as keyof typeof Settings.shape];
  if (current.safeParse(text).success) return text;
  if (LISTS.has(name)) {
    return text.trim().startsWith("[") ? tomlValue(text) : text.split(/[\s,]+/).filter(Boolean);
  }
  return tomlValue(text);
}

/** What is no TOML stays text, so that the schema says what it should have been. */
function tomlValue(text: string): unknown {
  try {
    return parse(`value = ${text}`)["value"];
  } catch {
    return text;
  }
}

function describe(
  issue: z.core.$ZodIssue,
  text: string,
  sources: ReadonlyMap<string, string>,
): string[] {
  const where = (path: readonly PropertyKey[]): string => {
    const variable = sources.get(String(path[0]));
    if (variable !== undefined) return `${variable}: `;
    const line = lineOfKey(text, path);
    return line === undefined ? "" : `line ${line}: `;
  };
  const name = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return [`${where(issue.path)}${name}: ${issue.message}`];
  return issue.keys.map((key) => {
    const known = issue.path.length === 0
      ? Object.keys(Settings.shape)
      : ["username", "password", "role"];
    const hint = didYouMean(key, known);
    return `${where([...issue.path, key])}unknown setting ${JSON.stringify(key)}${hint}`;
  });
}

function didYouMean(word: string, known: readonly string[]): string {
  const [near] = known.map((candidate) => ({ candidate, far: distance(word, candidate) }))
    .filter(({ far }) => far <= 2).toSorted((left, right) => left.far - right.far);
  return near === undefined ? "" : ` (did you mean ${near.candidate}?)`;
}

/** How many letters have to be put in, taken out or changed to make one word of another. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1];
    for (let at = 0; at < other.length; at++) {
      const change = row[at]! + (letter === other[at] ? 0 : 1);
      next.push(Math.min(row[at + 1]! + 1, next[at]! + 1, change));
    }
    row = next;
  }
  return row.at(-1)!;
}

function complete(
  settings: Settings,
  { folder, path, read }: {
    readonly folder: string;
    readonly path: string | undefined;
    readonly read: ReadVariable;
  },
): HubConfig {
  const absolute = (given: string): string => isAbsolute(given) ? given : resolve(folder, given);
  if ((settings.tls_cert === undefined) !== (settings.tls_key === undefined)) {
    throw new ConfigError(path ?? "the environment", ["tls_cert and tls_key go together"]);
  }
  if (settings.header_timeout_seconds > settings.request_timeout_seconds) {
    throw new ConfigError(path ?? "the environment", [
      "header_timeout_seconds cannot be more than request_timeout_seconds",
    ]);
  }
  const data_dir = absolute(settings.data_dir ?? defaultDataFolder(read, path));
  const storage_dir = absolute(settings.storage_dir ?? `${data_dir}/storage`);
  const home = read("HOME");
  const socket = settings.socket_path ??
    (home === undefined ? "" : `${home}/hero/var/sockets/myfs/rpc.sock`);
  return {
    ...settings,
    ...(settings.tls_cert === undefined ? {} : { tls_cert: absolute(settings.tls_cert) }),
    ...(settings.tls_key === undefined ? {} : { tls_key: absolute(settings.tls_key) }),
    ...(settings.registry_ca === undefined ? {} : { registry_ca: absolute(settings.registry_ca) }),
    data_dir,
    storage_dir,
    store_url: settings.store_url ?? [`dir://${storage_dir}/blocks`],
    flist_dir: absolute(settings.flist_dir ?? `${data_dir}/flists`),
    sqlite_path: absolute(settings.sqlite_path ?? `${data_dir}/hub.sqlite`),
    socket_path: socket === "" ? "" : absolute(socket),
    socketIsAsked: settings.socket_path !== undefined,
    path,
  };
}

function defaultDataFolder(read: ReadVariable, path: string | undefined): string {
  const shared = read("XDG_DATA_HOME");
  if (shared?.startsWith("/")) return `${shared}/myfs-hub`;
  const home = read("HOME");
  if (home) return `${home}/.local/share/myfs-hub`;
  throw new ConfigError(path ?? "the environment", [
    "there is no place for data: neither data_dir nor HOME is set",
  ]);
}
