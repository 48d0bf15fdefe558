/**
 * Options that say how registries are asked, and what the environment says of it.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { OpenContainerImageOptions } from "myfs";
import type { ReadVariable } from "./cache_folder.ts";
import { MissingError, UsageError } from "./problem.ts";
import { collect } from "./shared_options.ts";

const GROUP = "Options for registries:";

const grouped = (flags: string, text: string): Option => new Option(flags, text).helpGroup(GROUP);

/** All of them, in the order of the help. */
export function registryOptions(): Option[] {
  return [
    grouped("--platform <platform>", "os/architecture[/variant] (default: this machine's)"),
    grouped("--all-platforms", "every platform that the image has"),
    grouped("--creds <user:password>", "who asks; others on this machine can see it").argParser(
      String,
    ),
    grouped("--username <user>", "who asks; the password is $MYFS_REGISTRY_PASSWORD"),
    grouped("--password-stdin", "read the password from standard input"),
    grouped("--authfile <file>", "credentials in the format of Docker's config.json"),
    grouped("--anonymous", "use no credentials, whatever there is"),
    grouped("--plain-http", "ask the registry without TLS"),
    grouped("--ca <file>", "PEM file of an authority to trust; repeatable").argParser(collect),
    grouped("--mirror <registry>", "host[:port][/path] to ask first; repeatable").argParser(
      collect,
    ),
    grouped("--registry-timeout <seconds>", "how long a registry may be silent (default: 30)")
      .argParser(Number),
  ];
}

/** What the options gave. */
export interface RegistryFlags {
  readonly platform?: string;
  readonly allPlatforms?: boolean;
  readonly creds?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly authfile?: string;
  readonly anonymous?: boolean;
  readonly plainHttp?: boolean;
  readonly ca?: readonly string[];
  readonly mirror?: readonly string[];
  readonly registryTimeout?: number;
}

/**
 * The library's options that say the same.
 *
 * @throws {UsageError} when two contradict each other.
 * @throws {MissingError} when a file that one of them names does not exist.
 */
export async function registryOptionsOf(
  flags: RegistryFlags,
  read: ReadVariable = (name) => Deno.env.get(name),
): Promise<OpenContainerImageOptions> {
  if (flags.platform !== undefined && flags.allPlatforms === true) {
    throw new UsageError("--platform and --all-platforms exclude each other");
  }
  const { registryTimeout } = flags;
  if (registryTimeout !== undefined && !(registryTimeout > 0)) {
    throw new UsageError("--registry-timeout needs a number of seconds");
  }
  const platform = flags.allPlatforms === true ? "all" : flags.platform;
  const credentials = await credentialsOf(flags, read);
  const caCerts = await Promise.all((flags.ca ?? []).map((path) => readNamed("--ca", path)));
  const authFiles = flags.anonymous === true ? [] : authFilesOf(flags.authfile, read);
  // Of the usual places some are empty; a file that is named has to be there.
  if (flags.authfile !== undefined) await readNamed("--authfile", flags.authfile);
  const host = read("DOCKER_HOST");
  const sockets = host?.startsWith("unix://") === true
    ? [host.slice("unix://".length)]
    : daemonSockets(read);
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(credentials === undefined ? {} : { credentials }),
    authFiles,
    plainHttp: flags.plainHttp === true,
    ...(caCerts.length === 0 ? {} : { caCerts }),
    mirrors: flags.mirror ?? [],
    ...(registryTimeout === undefined ? {} : { timeoutMs: registryTimeout * 1000 }),
    proxies: proxiesOf(read),
    daemonSockets: sockets,
  };
}

/** The text of a file that an option names. @throws {MissingError} when there is none. */
async function readNamed(flag: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MissingError(`There is no file ${path}, which ${flag} names`);
  }
}

/** Where skopeo, Podman and Docker keep credentials, in the order in which skopeo looks. */
export function authFilesOf(named: string | undefined, read: ReadVariable): string[] {
  const own = named ?? read("REGISTRY_AUTH_FILE");
  if (own) return [own];
  const files: string[] = [];
  const runtime = read("XDG_RUNTIME_DIR");
  if (runtime) files.push(`${runtime}/containers/auth.json`);
  const home = read("HOME");
  const config = read("XDG_CONFIG_HOME") || (home ? `${home}/.config` : undefined);
  if (config) files.push(`${config}/containers/auth.json`);
  const docker = read("DOCKER_CONFIG") || (home ? `${home}/.docker` : undefined);
  if (docker) files.push(`${docker}/config.json`);
  return files;
}

function daemonSockets(read: ReadVariable): string[] {
  const runtime = read("XDG_RUNTIME_DIR");
  const own = runtime ? [`${runtime}/podman/podman.sock`] : [];
  return ["/var/run/docker.sock", "/run/podman/podman.sock", ...own];
}

/** Proxies as curl and Go read them; `http_proxy` in capitals could come from a web request. */
function proxiesOf(read: ReadVariable): NonNullable<OpenContainerImageOptions["proxies"]> {
  const http = read("http_proxy") || read("HTTP_PROXY");
  const https = read("https_proxy") || read("HTTPS_PROXY");
  const no = read("no_proxy") || read("NO_PROXY");
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), ...(no ? { no } : {}) };
}

async function credentialsOf(
  { creds, username, passwordStdin, anonymous }: RegistryFlags,
  read: ReadVariable,
): Promise<OpenContainerImageOptions["credentials"]> {
  if (anonymous === true) {
    if (creds === undefined && username === undefined) return undefined;
    throw new UsageError("--anonymous excludes --creds and --username");
  }
  if (creds !== undefined) {
    if (username !== undefined) throw new UsageError("--creds and --username exclude each other");
    const colon = creds.indexOf(":");
    if (colon < 1) throw new UsageError("--creds needs user:password");
    return {
      kind: "password",
      username: creds.slice(0, colon),
      password: creds.slice(colon + 1),
    };
  }
  const user = username ?? read("MYFS_REGISTRY_USER");
  if (!user) {
    if (passwordStdin !== true) return undefined;
    throw new UsageError("--password-stdin needs --username");
  }
  const password = passwordStdin === true
    ? (await new Response(Deno.stdin.readable).text()).replace(/\r?\n$/, "")
    : read("MYFS_REGISTRY_PASSWORD");
  if (password === undefined) {
    throw new UsageError(
      "There is no password for the registry",
      "Set MYFS_REGISTRY_PASSWORD, or pass --password-stdin.",
    );
  }
  return { kind: "password", username: user, password };
}
