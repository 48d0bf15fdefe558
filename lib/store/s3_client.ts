/**
 * The S3 client of the AWS SDK, set up for stores: path style, no retries, no checksums beyond the
 * signature, nothing of the user's AWS settings but credentials and region.
 *
 * @module
 */

import process from "node:process";
import type { Readable } from "node:stream";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { concatBytes } from "../base/bytes.ts";
import { findIdentity } from "./s3_credentials.ts";
import type { S3Asker } from "./s3_fault.ts";
import { S3Body, type S3Request, S3Transport } from "./s3_transport.ts";
import type { S3Place } from "./s3_url.ts";

/** A client that is ready for requests. */
export interface S3Connection extends Disposable {
  /** Sends commands. What it throws may hold parts of a request: for `s3Fault` only. */
  readonly client: S3Client;
  /** Who asks. */
  readonly asker: S3Asker;
  /** The region that requests are signed for. */
  readonly region: string;
}

/** How a client connects. */
export interface S3ConnectOptions {
  /** For a store that a foreign flist names: only public addresses, and none of the user's keys. */
  readonly publicAddressesOnly?: boolean;
}

/** What services that have no regions call theirs. */
export const REGION_DEFAULT = "us-east-1";

/**
 * Makes a client for a store: finds the credentials, and connects to nothing yet.
 *
 * Credentials of the user are not used for a store that a foreign flist names. A request would show
 * the name of the key, and with temporary keys the session token, to whoever made the flist.
 *
 * @param url The store, without secrets.
 * @throws {StoreDeniedError} when the credentials that are asked for cannot be had.
 */
export async function connectS3(
  url: string,
  place: S3Place,
  options: S3ConnectOptions = {},
): Promise<S3Connection> {
  const foreign = options.publicAddressesOnly === true;
  const known = { ...place, ...(foreign ? { profile: undefined, metadata: false } : {}) };
  const anonymous = place.anonymous || foreign && place.credentials === undefined;
  const identity = anonymous ? undefined : await findIdentity(url, known);
  const region = place.region ?? (foreign ? undefined : await regionOfUser(place.profile)) ??
    REGION_DEFAULT;
  const secure = place.endpoint.startsWith("https:");
  const transport = new S3Transport({ url, secure, publicAddressesOnly: foreign });
  const client = new S3Client({
    endpoint: place.endpoint,
    region,
    forcePathStyle: true,
    // A wrapper retries, and says so to whoever counts.
    maxAttempts: 1,
    retryMode: "standard",
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: transport as unknown as NonNullable<S3ClientConfig["requestHandler"]>,
    streamCollector: allBytes,
    credentials: identity ?? NOBODY,
    ...(identity === undefined ? { signer: { sign: (request) => Promise.resolve(request) } } : {}),
    expectContinueHeader: false,
    // What would be looked up in the environment and in files otherwise, for each client.
    defaultsMode: "standard",
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    userAgentAppId: () => Promise.resolve(undefined),
    defaultUserAgentProvider: () => Promise.resolve([["myfs"]]),
    authSchemePreference: ["sigv4"],
    sigv4aSigningRegionSet: [region],
  });
  if (secure) leavePayloadUnsigned(client);
  return {
    client,
    asker: identity !== undefined ? "signed" : foreign ? "foreign" : "anonymous",
    region,
    [Symbol.dispose](): void {
      client.destroy();
      transport.destroy();
    },
  };
}

/** The client insists on credentials, also where nothing is signed. */
const NOBODY = { accessKeyId: "", secretAccessKey: "" };

/** The bytes of an answer's body, or of the stream that the client makes of them when it looked. */
async function allBytes(body: Readable): Promise<Uint8Array> {
  return body instanceof S3Body ? body.bytes : concatBytes(await body.toArray());
}

/**
 * Over TLS nobody can change what is sent, so its digest, a third of the cost of a large block, need
 * not be part of the signature. Services take that over TLS only.
 */
function leavePayloadUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as S3Request;
      if (request.method === "PUT") request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      return next(args);
    },
    { step: "build", name: "leavePayloadUnsigned" },
  );
}

/** The region that the user has set up for AWS tools. */
async function regionOfUser(profile: string | undefined): Promise<string | undefined> {
  const client = new S3Client(profile === undefined ? {} : { profile });
  try {
    return await client.config.region();
  } catch {
    // None is set up, or the files cannot be read: then there is none.
    return process.env["AWS_DEFAULT_REGION"] || undefined;
  } finally {
    client.destroy();
  }
}
