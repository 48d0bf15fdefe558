/**
 * How container images are named: as skopeo names them, with the defaults that Docker has for names
 * of registries.
 *
 * @module
 */

import { type OciDigest, toOciDigest } from "./oci_digest.ts";

/** An image in a registry. */
export interface RegistryReference {
  readonly kind: "registry";
  /** Host and perhaps port, such as `docker.io` or `localhost:5000`. */
  readonly registry: string;
  /** Such as `library/nginx`. */
  readonly repository: string;
  /** Undefined only where there is a digest. */
  readonly tag: string | undefined;
  readonly digest: OciDigest | undefined;
}

/** An image in files of this machine. */
export interface FileReference {
  /** A directory in OCI's layout, such a directory as a tar file, or what `docker save` writes. */
  readonly kind: "oci" | "oci-archive" | "docker-archive";
  /** Of the directory or the archive. */
  readonly path: string;
  /** Which of its images; undefined for the only one. */
  readonly name: string | undefined;
}

/** An image of the Docker or Podman that runs on this machine. */
export interface DaemonReference {
  readonly kind: "docker-daemon";
  /** With its tag or digest. */
  readonly name: string;
}

/** Where an image is, and which one. */
export type ImageReference = RegistryReference | FileReference | DaemonReference;

/** The registry that Docker means where none is named. */
export const DOCKER_HUB = "docker.io";

const domainLabel = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domainPattern = new RegExp(
  `^(?:${domainLabel}(?:\\.${domainLabel})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?$`,
);
const pathPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;

/** Longest name of a repository with its registry, as Docker's grammar has it. */
const NAME_LENGTH_MAX = 255;

/**
 * Reads the name of an image:
 *
 * - `nginx`, `quay.io/fedora/fedora:41`, `host:5000/app@sha256:…`, also with `docker://` in front: in a
 *   registry; without one it is `docker.io`, without a tag `latest`.
 * - `oci:directory[:tag]`: a directory in OCI's layout.
 * - `oci-archive:file[:tag]`: such a directory as a tar file.
 * - `docker-archive:file[:name]`: what `docker save` writes; a name may be `@0` for the first image.
 * - `docker-daemon:name`: of the Docker or Podman that runs here.
 *
 * @throws {SyntaxError} when it is none of these.
 */
export function parseImageReference(text: string): ImageReference {
  const [, transport, rest] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  switch (transport) {
    case "docker":
      if (rest!.startsWith("//")) return parseRegistryName(rest!.slice(2), text);
      break;
    case "oci":
    case "oci-archive":
    case "docker-archive":
      return parseFileName(transport, rest!, text);
    case "docker-daemon":
      if (rest === "") throw refused(text, "it names no image");
      return { kind: "docker-daemon", name: daemonName(rest!, text) };
    case "dir":
    case "containers-storage":
    case "ostree":
    case "sif":
    case "tarball":
      // `dir:latest` could be Docker's, but nobody means that.
      throw refused(text, `${transport}: is not supported`);
  }
  return parseRegistryName(text, text);
}

/** The text that {@link parseImageReference} reads as the same, with all defaults written out. */
export function formatImageReference(reference: ImageReference): string {
  switch (reference.kind) {
    case "registry": {
      const { registry, repository, tag, digest } = reference;
      const tagText = tag === undefined ? "" : `:${tag}`;
      return `${registry}/${repository}${tagText}${digest === undefined ? "" : `@${digest}`}`;
    }
    case "docker-daemon":
      return `docker-daemon:${reference.name}`;
    default: {
      const { kind, path, name } = reference;
      return `${kind}:${path}${name === undefined ? "" : `:${name}`}`;
    }
  }
}

function parseRegistryName(name: string, text: string): RegistryReference {
  let rest = name;
  let digest: OciDigest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = toOciDigest(rest.slice(at + 1));
    if (digest === undefined) throw refused(text, "its digest is not sha256: and 64 digits");
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    if (!tagPattern.test(tag)) throw refused(text, `its tag ${JSON.stringify(tag)} is not valid`);
    rest = rest.slice(0, colon);
  }
  const { registry, repository } = splitRegistry(rest);
  if (!domainPattern.test(registry)) {
    throw refused(text, `${JSON.stringify(registry)} is not the host of a registry`);
  }
  if (!pathPattern.test(repository)) {
    const reason = /[A-Z]/.test(repository)
      ? "names of images have no capital letters"
      : `${JSON.stringify(repository)} is not the name of an image`;
    throw refused(text, reason);
  }
  if (registry.length + repository.length + 1 > NAME_LENGTH_MAX) {
    throw refused(text, `it is longer than ${NAME_LENGTH_MAX} characters`);
  }
  if (tag === undefined && digest === undefined) tag = "latest";
  return { kind: "registry", registry, repository, tag, digest };
}

/** What is in front of the first slash is a host only where it looks like one. */
function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = /[.:\[]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (!isHost) {
    return { registry: DOCKER_HUB, repository: name.includes("/") ? name : `library/${name}` };
  }
  const repository = name.slice(slash + 1);
  if (first !== DOCKER_HUB && first !== "index.docker.io") return { registry: first, repository };
  return {
    registry: DOCKER_HUB,
    repository: repository.includes("/") ? repository : `library/${repository}`,
  };
}

function parseFileName(
  kind: FileReference["kind"],
  rest: string,
  text: string,
): FileReference {
  const colon = rest.indexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const name = colon < 0 ? undefined : rest.slice(colon + 1);
  if (path === "") throw refused(text, "it names no file");
  if (path.includes("\0")) throw refused(text, "it has a NUL character");
  if (name === "") throw refused(text, "the name behind the last colon is missing");
  if (name === undefined || kind !== "docker-archive" || /^@\d{1,9}$/.test(name)) {
    return { kind, path, name };
  }
  // Docker writes names without its defaults; they are compared with them.
  return { kind, path, name: formatImageReference(parseRegistryName(name, text)) };
}

function daemonName(name: string, text: string): string {
  const id = toOciDigest(name);
  if (id !== undefined) return id;
  const { registry, repository, tag, digest } = parseRegistryName(name, text);
  const prefix = registry === DOCKER_HUB ? "" : `${registry}/`;
  const path = registry === DOCKER_HUB ? repository.replace(/^library\//, "") : repository;
  const version = digest === undefined ? `:${tag}` : `@${digest}`;
  return `${prefix}${path}${version}`;
}

function refused(text: string, reason: string): SyntaxError {
  return new SyntaxError(`Cannot read ${JSON.stringify(text)} as the name of an image: ${reason}`);
}
