/**
 * What a process that converts an image is told, in JSON on its standard input: nothing of it is in
 * its arguments or its environment, which others on the machine can see.
 *
 * @module
 */

import type { RegistryCredentials } from "myfs";
import type { HubConfig } from "../config/load_config.ts";
import type { ContentSettings } from "../open_content.ts";
import type { RegistryAccess } from "./registry_policy.ts";

/** What of the hub's settings counts for a conversion. */
export type ConversionSettings =
  & ContentSettings
  & Pick<HubConfig, "sqlite_path" | "conversion_lease_seconds">;

/** See the module. */
export interface ConversionTask {
  /** The job, and who works at it. */
  readonly job: string;
  readonly runner: string;
  /** Folder for what is made; it exists, and its owner removes it. */
  readonly folder: string;
  readonly credentials: RegistryCredentials | undefined;
  readonly access: RegistryAccess;
  /** Certificates, in PEM, of more authorities. */
  readonly caCerts: readonly string[];
  /** Where the hub keeps things. */
  readonly hub: ConversionSettings;
  readonly limits: {
    readonly bytesMax: number;
    readonly entriesMax: number;
  };
}
