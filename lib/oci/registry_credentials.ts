/**
 * Who asks a registry: what Docker, Podman and skopeo keep in their files, and the programs that those
 * files name.
 *
 * @module
 */

import { RegistryDeniedError } from "../base/errors.ts";
import { DOCKER_HUB } from "./image_reference.ts";

/** What shows a registry who asks. None of it is ever in an error, and none is kept. */
export type RegistryCredentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** A refresh token of OAuth 2, as `docker login` gets from some registries. */
  | { readonly kind: "identity"; readonly token: string }
  /** A token to be shown as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** A file in Docker's format, as far as it matters here. */
interface AuthFile {
  readonly auths?: Readonly<Record<string, unknown>>;
  readonly credHelpers?: Readonly<Record<string, unknown>>;
  readonly credsStore?: unknown;
}

/** How Docker's files name the registry of Docker. */
const DOCKER_HUB_KEYS = [
  "https://index.docker.io/v1/",
  "index.docker.io",
  "docker.io",
  "registry-1.docker.io",
];

/** A user name that says that the password is an identity token. */
const TOKEN_USER = "<token>";

/** How long a helper program may take, in milliseconds. */
const HELPER_TIMEOUT_MS = 30_000;

/**
 * The credentials for a registry, from the first of `files` that has any; files that do not exist
 * have none.
 *
 * @param registry Host and port, as in the image's name.
 * @param repository Files may say more of parts of a registry: the longest that fits counts.
 * @throws {RegistryDeniedError} when a file cannot be read, or a helper program fails.
 */
export async function findCredentials(
  files: readonly string[],
  registry: string,
  repository: string,
  signal?: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  for (const path of files) {
    const file = await readAuthFile(path, registry);
    if (file === undefined) continue;
    const found = await credentialsIn(file, registry, repository, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readAuthFile(path: string, registry: string): Promise<AuthFile | undefined> {
  try {
    const value: unknown = JSON.parse(await Deno.readTextFile(path));
    return typeof value === "object" && value !== null ? value as AuthFile : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // What stands in the file is secret, and a parser's message would show some of it.
    const reason = error instanceof SyntaxError ? "it is not JSON" : "it cannot be read";
    throw new RegistryDeniedError(
      registry,
      `Cannot take credentials for ${registry} from ${path}: ${reason}`,
      { hint: "Repair the file or remove it, then sign in again." },
    );
  }
}

async function credentialsIn(
  file: AuthFile,
  registry: string,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<RegistryCredentials | undefined> {
  const keys = registry === DOCKER_HUB ? DOCKER_HUB_KEYS : [registry];
  for (const key of keys) {
    const helper = file.credHelpers?.[key];
    if (typeof helper === "string") return await askHelper(helper, key, registry, signal);
  }
  for (const key of [...pathsOf(registry, repository), ...keys]) {
    const found = decodeEntry(entryOf(file.auths, key));
    if (found !== undefined) return found;
  }
  if (typeof file.credsStore !== "string" || file.credsStore === "") return undefined;
  for (const key of keys) {
    const found = await askHelper(file.credsStore, key, registry, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `host/a/b`, `host/a`: the longest first. */
function pathsOf(registry: string, repository: string): string[] {
  const parts = repository.split("/");
  return parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join("/")}`);
}

/** Old files have URLs for keys. */
function entryOf(auths: AuthFile["auths"], key: string): unknown {
  if (auths === undefined) return undefined;
  if (key in auths) return auths[key];
  const plain = (name: string): string =>
    name.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");
  const found = Object.keys(auths).find((name) => plain(name) === key);
  return found === undefined ? undefined : auths[found];
}

function decodeEntry(entry: unknown): RegistryCredentials | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { auth, username, password, identitytoken, registrytoken } = entry as Record<
    string,
    unknown
  >;
  if (isText(registrytoken)) return { kind: "bearer", token: registrytoken };
  if (isText(identitytoken)) return { kind: "identity", token: identitytoken };
  if (isText(username) && isText(password)) return { kind: "password", username, password };
  if (!isText(auth)) return undefined;
  return decodeBasic(auth);
}

/** Reads base64 of `user:password`. */
function decodeBasic(text: string): RegistryCredentials | undefined {
  let pair: string;
  try {
    pair = new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch {
    return undefined;
  }
  const colon = pair.indexOf(":");
  if (colon < 1) return undefined;
  const password = pair.slice(colon + 1).replace(/\0+$/, "");
  return { kind: "password", username: pair.slice(0, colon), password };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Asks `docker-credential-…`, as Docker does. */
async function askHelper(
  helper: string,
  server: string,
  registry: string,
  signal: AbortSignal | undefined,
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  const failed = (reason: string, cause?: unknown): RegistryDeniedError =>
    new RegistryDeniedError(
      registry,
      `Cannot take credentials for ${registry} from ${program}: ${reason}`,
      { cause, hint: "Check the helper that Docker's config.json names." },
    );
  if (!/^[\w.-]+$/.test(helper)) throw failed("it is no name of a program");
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(HELPER_TIMEOUT_MS);
  let output: Deno.CommandOutput;
  try {
    const child = new Deno.Command(program, {
      args: ["get"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    }).spawn();
    const writer = child.stdin.getWriter();
    // A helper may end without having read what it is told.
    await writer.write(new TextEncoder().encode(`${server}\n`)).catch(() => {});
    await writer.close().catch(() => {});
    output = await child.output();
  } catch (error) {
    signal?.throwIfAborted();
    throw failed("it cannot be run", error);
  }
  signal?.throwIfAborted();
  const text = new TextDecoder().decode(output.stdout).trim();
  if (!output.success) {
    if (/credentials not found/i.test(text)) return undefined;
    throw failed(timeout.aborted ? "it took too long" : `it ended with ${output.code}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw failed("it did not answer with JSON");
  }
  const { Username: username, Secret: secret } = (answer ?? {}) as Record<string, unknown>;
  if (!isText(username) || !isText(secret)) return undefined;
  if (username === TOKEN_USER) return { kind: "identity", token: secret };
  return { kind: "password", username, password: secret };
}
