/**
 * Who asks an S3 service: the key and secret of the URL, or what the user has set up for AWS tools.
 *
 * The sources of the user are looked through in the order of the AWS command line: the environment
 * (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), the profile that the URL or
 * `AWS_PROFILE` names, or `default`, in `~/.aws/credentials` and `~/.aws/config` (keys, roles, single
 * sign-on, programs), a web identity token, and the container's address. The metadata service of a
 * cloud machine is asked only when the URL says so, because elsewhere it answers late or never.
 *
 * @module
 */

import process from "node:process";
import { StoreDeniedError } from "../base/errors.ts";
import type { S3Credentials, S3Place } from "./s3_url.ts";

/** Credentials with the time after which they must be asked for again. */
export interface S3Identity extends S3Credentials {
  /** When they end, if they do. */
  readonly expiration?: Date;
}

/** Gives credentials, fresh ones each time. */
export type S3IdentityProvider = () => Promise<S3Identity>;

/** Settings of a provider of the AWS packages. */
interface ProviderOptions {
  readonly profile?: string;
  readonly logger: typeof silent;
}

/** The packages would write to the console. */
const silent = { trace: drop, debug: drop, info: drop, warn: drop, error: drop };

function drop(): void {}

/**
 * What gives the credentials for a store; undefined where requests are to be sent unsigned: as the
 * URL says, or because the user has none.
 *
 * @param url The store, without secrets.
 * @throws {StoreDeniedError} when there are credentials, and they cannot be had.
 */
export async function findIdentity(
  url: string,
  place: S3Place,
): Promise<S3IdentityProvider | undefined> {
  if (place.anonymous) return undefined;
  const { credentials } = place;
  if (credentials !== undefined) return () => Promise.resolve(credentials);
  const sources = await sourcesOf(place);
  for (const source of sources) {
    try {
      await source();
      return source;
    } catch (error) {
      if (!isAbsent(error)) throw unavailable(url, error);
    }
  }
  // Whoever names a profile means it: to go on without would ask as somebody else.
  const named = place.profile ?? (process.env["AWS_PROFILE"] || undefined);
  if (named === undefined && !place.metadata) return undefined;
  throw new StoreDeniedError(
    url,
    place.metadata
      ? `Cannot open store ${url}: this machine's metadata service gives no credentials`
      : `Cannot open store ${url}: the AWS profile ${named} has no credentials`,
    {
      hint: place.metadata
        ? "Give this machine a role, or leave metadata out of the URL."
        : "Check its section in ~/.aws/credentials and ~/.aws/config.",
    },
  );
}

async function sourcesOf(place: S3Place): Promise<S3IdentityProvider[]> {
  const options: ProviderOptions = {
    logger: silent,
    ...(place.profile === undefined ? {} : { profile: place.profile }),
  };
  if (place.metadata) {
    const { fromInstanceMetadata } = await import("@smithy/credential-provider-imds");
    return [fromInstanceMetadata({ ...options, timeout: METADATA_TIMEOUT_MS, maxRetries: 1 })];
  }
  const { fromIni } = await import("@aws-sdk/credential-provider-ini");
  const fromProfile = fromIni(options);
  if (place.profile !== undefined) return [fromProfile];
  const { fromEnv } = await import("@aws-sdk/credential-provider-env");
  const sources: S3IdentityProvider[] = [fromEnv(options), fromProfile];
  const isSet = (name: string): boolean => (process.env[name] ?? "") !== "";
  if (isSet("AWS_WEB_IDENTITY_TOKEN_FILE")) {
    const { fromTokenFile } = await import("@aws-sdk/credential-provider-web-identity");
    sources.push(fromTokenFile(options));
  }
  if (
    isSet("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || isSet("AWS_CONTAINER_CREDENTIALS_FULL_URI")
  ) {
    const { fromHttp } = await import("@aws-sdk/credential-provider-http");
    sources.push(fromHttp(options));
  }
  return sources;
}

/** How long the metadata service may take to answer, in milliseconds. */
const METADATA_TIMEOUT_MS = 1000;

/** Whether a source has nothing, and the next one is to be asked. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && "tryNextLink" in error && error.tryNextLink === true;
}

/** The message may hold the command line of a program, which is not ours to show. */
function unavailable(url: string, error: unknown): StoreDeniedError {
  const known = error instanceof Error && error.name === "CredentialsProviderError" &&
    !/command failed/i.test(error.message);
  const reason = known ? error.message.split("\n", 1)[0]! : "their source failed";
  return new StoreDeniedError(url, `Cannot get the AWS credentials for ${url}: ${reason}`, {
    hint: "Check AWS_PROFILE, ~/.aws/config and, with single sign-on, log in again.",
  });
}
