/**
 * What a process that converts an image is told, in JSON on its standard input: nothing of it is in
 * its arguments or its environment, which others on the machine can see.
 *
 * @module
 */

import type { RegistryCredentials } from "myfs";
import type { RegistryAccess } from "./registry_policy.ts";

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
  readonly hub: {
    readonly sqlitePath: string;
    readonly storeUrls: readonly string[];
    readonly flistDirectory: string;
    readonly dedup: "users" | "user";
    readonly blockSize: number;
    readonly leaseMs: number;
  };
  readonly limits: {
    readonly bytesMax: number;
    readonly entriesMax: number;
  };
}
