/**
 * From what a client asks to be converted to what a job has to know.
 *
 * @module
 */

import { parseImageReference, type RegistryCredentials, type RegistryReference } from "myfs";
import { FlistName, FlistTag } from "../../lib/hub_api/messages/mod.ts";
import type { ConversionRequest, JobCredentials } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";

/** The names by which Docker's own registry goes in credentials. */
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "hub.docker.com",
]);

/**
 * The image that is meant.
 *
 * @throws {HubProblem} 422 when it is none in a registry: files and daemons are the hub's own affair.
 */
export function imageOf(name: string): RegistryReference {
  let reference;
  try {
    reference = parseImageReference(name);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid(error.message);
  }
  if (reference.kind === "registry") return reference;
  throw invalid(`Images are read from registries alone, and ${reference.kind}: is none`);
}

/**
 * Name and tag of the flist: as rfs has it, where `team/app:v1` becomes `team-app-v1.fl`, which is how
 * its clients see the flist `team-app` with the tag `v1`.
 *
 * @throws {HubProblem} 422 when there is no such name; the request can give one.
 */
export function flistOf(
  { image_name, name, tag }:
    & Pick<ConversionRequest, "image_name">
    & Partial<Pick<ConversionRequest, "name" | "tag">>,
  reference: RegistryReference,
): { readonly name: string; readonly tag: string } {
  const [, path = ""] = /^(?:docker:\/\/)?([^@]*)/.exec(image_name) ?? [];
  const bare = reference.tag === undefined || !path.endsWith(`:${reference.tag}`)
    ? path
    : path.slice(0, -reference.tag.length - 1);
  const found = {
    name: name ?? bare.replace(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, ""),
    tag: tag ?? reference.tag ?? reference.digest!.replace(":", "-"),
  };
  if (FlistName.safeParse(found.name).success && FlistTag.safeParse(found.tag).success) {
    return found;
  }
  throw new HubProblem(
    422,
    "unprocessable",
    "The image's name cannot be that of a flist",
    "Give the flist a name and a tag",
  );
}

/**
 * What shows the registry who asks; undefined where nothing was given.
 *
 * @throws {HubProblem} 422 when it cannot be used, or is for another registry than the image's.
 */
export function credentialsOf(
  given: JobCredentials,
  { registry }: RegistryReference,
): RegistryCredentials | undefined {
  const { username, password, auth, identity_token, registry_token, server_address } = given;
  const credentials = pick();
  if (credentials !== undefined && server_address) {
    const server = server_address.replace(/^https?:\/\//i, "").replace(/\/.*$/s, "").toLowerCase();
    const isSame = server === registry.toLowerCase() ||
      DOCKER_HUB_NAMES.has(server) && DOCKER_HUB_NAMES.has(registry);
    if (!isSame) {
      throw unusable(`server_address is not ${registry}, from where the image comes`);
    }
  }
  return credentials;

  function pick(): RegistryCredentials | undefined {
    if (registry_token) return { kind: "bearer", token: registry_token };
    if (identity_token) return { kind: "identity", token: identity_token };
    if (username && password) return { kind: "password", username, password };
    if (auth) return decodeAuth(auth);
    if (username || password) throw unusable("username and password go together");
    return undefined;
  }
}

/** What must never be shown of credentials. */
export function secretsOf(credentials: RegistryCredentials | undefined): readonly string[] {
  if (credentials === undefined) return [];
  if (credentials.kind !== "password") return [credentials.token];
  const { username, password } = credentials;
  const pair = new TextEncoder().encode(`${username}:${password}`).toBase64();
  return [password, encodeURIComponent(password), pair];
}

/** Reads base64 of `user:password`. */
function decodeAuth(text: string): RegistryCredentials {
  let pair = "";
  try {
    pair = new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch {
    // It is refused below.
  }
  const colon = pair.indexOf(":");
  if (colon < 1) throw unusable("auth is not base64 of user:password");
  return { kind: "password", username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function unusable(reason: string): HubProblem {
  return new HubProblem(422, "unprocessable", "The credentials cannot be used", reason);
}

function invalid(reason: string): HubProblem {
  return new HubProblem(422, "image_invalid", "That is no image that can be converted", reason);
}
