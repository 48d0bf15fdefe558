/**
 * What the conversion needs from an image's config (OCI image specification, config.md; Docker's is
 * alike).
 *
 * @module
 */

import { ArchiveFormatError } from "../base/errors.ts";

/** How an image is started, and what its layers are. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Variables in the order of the config. */
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly workingDirectory: string;
  /** Digests of the layers without compression, lowest first. */
  readonly diffIds: readonly string[];
}

/**
 * Reads a config.
 *
 * @param image What the image is called in messages.
 * @throws {ArchiveFormatError} when `bytes` are no such config.
 */
export function parseImageConfig(bytes: Uint8Array, image: string): ImageConfig {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ArchiveFormatError(image, "its config is not JSON", { cause: error });
  }
  const fault = (what: string): ArchiveFormatError =>
    new ArchiveFormatError(image, `in its config, ${what}`);
  const record = (value: unknown, what: string): Readonly<Record<string, unknown>> => {
    if (value === undefined || value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) throw fault(`${what} is no object`);
    return value as Readonly<Record<string, unknown>>;
  };
  const texts = (value: unknown, what: string): readonly string[] => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) {
      throw fault(`${what} is no list of strings`);
    }
    return value;
  };
  const top = record(root, "the whole");
  const config = record(top.config, "config");
  const { WorkingDir: workingDirectory = "" } = config;
  if (typeof workingDirectory !== "string") throw fault("WorkingDir is no string");
  return {
    entrypoint: texts(config.Entrypoint, "Entrypoint"),
    command: texts(config.Cmd, "Cmd"),
    environment: texts(config.Env, "Env").map((each) => {
      const equals = each.indexOf("=");
      return equals < 0 ? [each, ""] : [each.slice(0, equals), each.slice(equals + 1)];
    }),
    workingDirectory,
    diffIds: texts(record(top.rootfs, "rootfs").diff_ids, "diff_ids"),
  };
}
