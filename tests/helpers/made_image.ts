/**
 * Small container images made by hand, and a registry in this process that has them: for tests that
 * want to say what it answers, and when.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type MadeEntry, makeTar } from "./tar_maker.ts";

/** An image with all its parts by digest. */
export interface MadeImage {
  readonly manifest: Uint8Array<ArrayBuffer>;
  readonly blobs: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Digests of the layers, the lowest first. */
  readonly layers: readonly string[];
}

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

/** Makes an image of layers, the lowest first. */
export function makeImage(...layers: readonly (readonly MadeEntry[])[]): MadeImage {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const keep = (bytes: Uint8Array<ArrayBuffer>, mediaType: string): Record<string, unknown> => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const tars = layers.map((entries) => makeTar(...entries));
  const config = {
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    config: { Cmd: ["/bin/true"] },
    rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
  };
  const descriptors = tars.map((tar) =>
    keep(new Uint8Array(gzipSync(tar)), "application/vnd.oci.image.layer.v1.tar+gzip")
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: keep(json(config), "application/vnd.oci.image.config.v1+json"),
    layers: descriptors,
  };
  return { manifest: json(manifest), blobs, layers: descriptors.map(({ digest }) => `${digest}`) };
}

/** A file of `size` bytes that no other has. */
export function randomFile(name: string, size: number): MadeEntry {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, Math.min(size, at + 65_536)));
  }
  return { name, content };
}

/** A registry in this process. */
export class ImageRegistry implements AsyncDisposable {
  /** By `repository:tag`. */
  readonly images = new Map<string, MadeImage>();
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Value of `Authorization` that requests have to have. */
  authorization: string | undefined;
  /** Answers in place of the registry; undefined lets it answer. Awaited. */
  intercept: (path: string) => Promise<Response | undefined> | Response | undefined = () =>
    undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** Starts one. */
  static start(images: Readonly<Record<string, MadeImage>> = {}): ImageRegistry {
    const registry = new ImageRegistry();
    for (const [name, image] of Object.entries(images)) registry.images.set(name, image);
    return registry;
  }

  /** Host and port. */
  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.asked.push(pathname);
    if (
      this.authorization !== undefined &&
      request.headers.get("authorization") !== this.authorization
    ) {
      return new Response("", { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
    }
    const answer = await this.intercept(pathname);
    if (answer !== undefined) return answer;
    const [, repository, kind, name] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(pathname) ?? [];
    for (const [key, image] of this.images) {
      if (!key.startsWith(`${repository}:`)) continue;
      const isNamed = key === `${repository}:${name}` || digestOf(image.manifest) === name;
      if (kind === "manifests" && isNamed) {
        return new Response(image.manifest, { headers: { "content-type": MANIFEST_TYPE } });
      }
      const blob = kind === "blobs" ? image.blobs.get(name ?? "") : undefined;
      if (blob !== undefined) return new Response(blob);
    }
    return new Response("", { status: 404 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Pushes an image to a registry that somebody else made. */
export async function pushImage(
  host: string,
  repository: string,
  tag: string,
  { manifest, blobs }: MadeImage,
  authorization?: string,
): Promise<void> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const send = async (method: string, url: URL, body?: Uint8Array<ArrayBuffer>, type?: string) => {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(type === undefined ? {} : { "content-type": type }) },
      ...(body === undefined ? {} : { body }),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
    return response;
  };
  for (const [digest, bytes] of blobs) {
    const start = await send("POST", new URL(`http://${host}/v2/${repository}/blobs/uploads/`));
    const place = new URL(start.headers.get("location")!, `http://${host}`);
    place.searchParams.set("digest", digest);
    await send("PUT", place, bytes, "application/octet-stream");
  }
  const place = new URL(`http://${host}/v2/${repository}/manifests/${tag}`);
  await send("PUT", place, manifest, MANIFEST_TYPE);
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
