/**
 * Images in OCI's layout, made by hand, for one platform or several.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { MadeLayer } from "./tar_maker.ts";

/** An image for one platform. */
export interface MadeImage {
  /** Lowest first, compressed by gzip. */
  readonly layers: readonly MadeLayer[];
  /** What its config says of how it is started, such as `Cmd`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** @default {"amd64"} */
  readonly architecture?: string;
}

/** What a manifest says of a part. */
export interface MadeDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What was made. */
export interface MadeLayout {
  /** The manifests, in the order of the images. */
  readonly manifests: readonly MadeDescriptor[];
  /** The configs, as they are. */
  readonly configs: readonly Uint8Array<ArrayBuffer>[];
}

const TYPE = "application/vnd.oci.image";

/** Writes a layout with an image that is called `name` into `folder`, which need not exist. */
export async function writeLayout(
  folder: string,
  name: string,
  ...images: readonly MadeImage[]
): Promise<MadeLayout> {
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const put = async (mediaType: string, bytes: Uint8Array): Promise<MadeDescriptor> => {
    const hex = sha256(bytes);
    await Deno.writeFile(`${folder}/blobs/sha256/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const manifests: MadeDescriptor[] = [];
  const configs: Uint8Array<ArrayBuffer>[] = [];
  for (const { layers, config = {}, architecture = "amd64" } of images) {
    const diffIds = layers.map(({ stored }) => `sha256:${sha256(gunzipSync(stored))}`);
    const bytes = json({
      architecture,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: diffIds },
    });
    configs.push(bytes);
    const manifest = {
      schemaVersion: 2,
      mediaType: `${TYPE}.manifest.v1+json`,
      config: await put(`${TYPE}.config.v1+json`, bytes),
      layers: await Promise.all(layers.map((layer) => put(layer.mediaType, layer.stored))),
    };
    manifests.push(await put(manifest.mediaType, json(manifest)));
  }
  const entries = manifests.map((manifest, i) => ({
    ...manifest,
    platform: { os: "linux", architecture: images[i]!.architecture ?? "amd64" },
  }));
  const top = entries.length === 1 ? manifests[0]! : await put(
    `${TYPE}.index.v1+json`,
    json({ schemaVersion: 2, mediaType: `${TYPE}.index.v1+json`, manifests: entries }),
  );
  const annotations = { "org.opencontainers.image.ref.name": name };
  const index = { schemaVersion: 2, manifests: [{ ...top, annotations }] };
  await Deno.writeFile(`${folder}/index.json`, json(index));
  await Deno.writeFile(`${folder}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
  return { manifests, configs };
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
