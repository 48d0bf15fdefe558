/**
 * Images of the Docker or Podman that runs on this machine, asked over its socket. What comes is what
 * `docker save` writes, in an order that only its last part tells, so it is kept in a temporary file
 * while the image is open.
 *
 * @module
 */

import { ImageNotFoundError, UnsupportedError } from "../base/errors.ts";
import { DockerArchiveSource } from "./docker_archive_source.ts";
import { ArchiveFiles, type ImageFiles } from "./image_files.ts";
import type { ImageSource } from "./image_source.ts";
import { registryStatusFault } from "./registry_fault.ts";
import { RegistryTransport } from "./registry_transport.ts";

/** Where Docker and Podman listen when root runs them. */
const SOCKETS = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/** A daemon begins to send when it has put a layer together, which may take a while. */
const TIMEOUT_MS = 300_000;

/**
 * Has the daemon send an image.
 *
 * @param name As the daemon knows it, or the digest that is its id.
 * @throws {UnsupportedError} when there is no socket.
 * @throws {ImageNotFoundError} when the daemon does not have the image.
 */
export async function openDaemonImage(
  name: string,
  sockets: readonly string[] = SOCKETS,
  signal?: AbortSignal,
): Promise<ImageSource> {
  const reference = `docker-daemon:${name}`;
  const socket = await firstSocket(sockets);
  const folder = await Deno.makeTempDir({ prefix: "myfs-image-" });
  try {
    const path = `${folder}/image.tar`;
    await saveImage(reference, name, socket, path, signal);
    const files = await ArchiveFiles.open(reference, path, signal);
    return new DockerArchiveSource(reference, removedAfter(files, folder), undefined);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

async function firstSocket(sockets: readonly string[]): Promise<string> {
  for (const path of sockets) {
    try {
      if ((await Deno.stat(path)).isSocket) return path;
    } catch {
      // Another daemon, or none.
    }
  }
  throw new UnsupportedError(
    `Cannot ask for images of a daemon: there is no socket at ${sockets.join(" or ")}`,
    { hint: "Start Docker or Podman's service, or set DOCKER_HOST to its unix:// socket." },
  );
}

async function saveImage(
  reference: string,
  name: string,
  socket: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using transport = new RegistryTransport({ timeoutMs: TIMEOUT_MS });
  const task = `read ${reference}`;
  const url = new URL(`http://daemon/images/${encodeURIComponent(name)}/get`);
  await using answer = await transport.request({ url, task, signal, socket });
  if (answer.status === 404) {
    throw new ImageNotFoundError(reference, "the daemon does not have it", {
      hint: "Look at docker images, or leave docker-daemon: away to ask its registry.",
    });
  }
  if (answer.status !== 200) throw registryStatusFault("the daemon", task, answer);
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  for await (const piece of answer.body) {
    for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
  }
}

/** `files`, which take their folder with them. */
function removedAfter(files: ImageFiles, folder: string): ImageFiles {
  return {
    size: (path) => files.size(path),
    read: (path, signal) => files.read(path, signal),
    [Symbol.asyncDispose]: async () => {
      await files[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
