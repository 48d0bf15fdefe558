/**
 * Which registries the hub reads images from, and how it asks them.
 *
 * @module
 */

import type { RegistryReference } from "myfs";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { Settings } from "../config/settings.ts";

/** How a registry is asked. */
export interface RegistryAccess {
  /** Whether only addresses count that anybody on the internet could reach. */
  readonly publicAddressesOnly: boolean;
  readonly plainHttp: boolean;
}

/** The settings that matter here. */
export type RegistrySettings = Pick<
  Settings,
  "registries" | "private_registries" | "plain_http_registries"
>;

/**
 * How the registry of an image is asked.
 *
 * Addresses are looked at when the connection is made: each name that a redirect or a token server
 * leads to is checked then, whatever it stood for before.
 *
 * @throws {HubProblem} 403 when the hub may not read from it.
 */
export function registryAccess(
  reference: RegistryReference,
  settings: RegistrySettings,
): RegistryAccess {
  const isIn = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => isMeant(pattern, reference));
  if (!isIn(settings.registries)) {
    throw new HubProblem(
      403,
      "registry_forbidden",
      "This hub does not read images from there",
      `${reference.registry} is none of its registries`,
    );
  }
  return {
    publicAddressesOnly: !isIn(settings.private_registries),
    plainHttp: isIn(settings.plain_http_registries),
  };
}

/**
 * Whether a pattern is for an image: `host[:port]` for all of a registry, else
 * `host[:port]/repository`. A `*` stands for any characters.
 */
function isMeant(pattern: string, { registry, repository }: RegistryReference): boolean {
  const subject = pattern.includes("/") ? `${registry}/${repository}` : registry;
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(subject);
}
