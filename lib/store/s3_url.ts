/**
 * URLs of S3 stores: `s3://[key:secret@]host[:port]/bucket[/prefix][?region=…]` over HTTP, `s3s://`
 * and `s3+tls://` over HTTPS. The host is that of the service; the bucket is always in the path.
 *
 * @module
 */

import { redactUrl } from "./store_url.ts";

/** What signs requests. */
export interface S3Credentials {
  /** Name of the key. */
  readonly accessKeyId: string;
  /** The secret that belongs to it. */
  readonly secretAccessKey: string;
  /** What temporary keys come with. */
  readonly sessionToken?: string;
}

/** Where the blocks of an S3 store are, and who asks for them. Holds secrets. */
export interface S3Place {
  /** Scheme, host and port of the service, such as `https://s3.example.org:9000`. */
  readonly endpoint: string;
  /** Name of the bucket. */
  readonly bucket: string;
  /** What stands in front of the ids in the names of objects: nothing, or text that ends in `/`. */
  readonly prefix: string;
  /** The service's region, where the URL says it. */
  readonly region: string | undefined;
  /** Key and secret, where the URL has them. */
  readonly credentials: S3Credentials | undefined;
  /** Section of the user's AWS files to take credentials from, where the URL names one. */
  readonly profile: string | undefined;
  /** Whether requests are to be sent unsigned, as for a public bucket. */
  readonly anonymous: boolean;
  /** Whether to ask the cloud's metadata service for the credentials of this machine. */
  readonly metadata: boolean;
  /** Whether a missing bucket is made when the store is opened for writing. */
  readonly create: boolean;
}

/** Name length of an object in bytes, at most (S3), less a block id. */
const PREFIX_LENGTH_MAX = 1024 - 64;

const bucketPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

const PARAMETERS = ["region", "session-token", "profile", "anonymous", "metadata", "create"];

const FORM = "write s3://key:secret@host:port/bucket, or s3s:// for HTTPS";

/**
 * Reads the URL of an S3 store.
 *
 * @throws {SyntaxError} when it is not one; the message shows no secret.
 */
export function parseS3Url(url: string): S3Place {
  const refuse = (reason: string): SyntaxError =>
    new SyntaxError(`Cannot read ${redactUrl(url)} as an S3 store: ${reason}`);
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse(`it is not a URL; ${FORM}`);
  }
  const secure = parsed.protocol === "s3s:" || parsed.protocol === "s3+tls:";
  if (!secure && parsed.protocol !== "s3:") throw refuse(`its scheme is not S3's; ${FORM}`);
  if (parsed.hostname === "") throw refuse(`it names no host; ${FORM}`);
  if (parsed.hash !== "") throw refuse("a number sign is written %23");

  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw refuse("a percent sign is not followed by the digits of UTF-8 text");
    }
  };
  const path = decode(parsed.pathname);
  const [, bucket = "", ...rest] = path.split("/");
  if (!bucketPattern.test(bucket)) {
    throw refuse(bucket === "" ? `it names no bucket; ${FORM}` : "no bucket can have that name");
  }
  const inner = rest.join("/").replace(/^\/+|\/+$/g, "");
  const prefix = inner === "" ? "" : `${inner}/`;
  if (new TextEncoder().encode(prefix).length > PREFIX_LENGTH_MAX) {
    throw refuse(`its prefix has more than ${PREFIX_LENGTH_MAX} bytes`);
  }

  const parameters = parsed.searchParams;
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw refuse(`there is no parameter ${name}; the parameters are ${PARAMETERS.join(", ")}`);
    }
  }
  const text = (name: string): string | undefined => parameters.get(name) || undefined;
  const flag = (name: string): boolean => {
    const value = text(name) ?? "0";
    if (/^(1|true|yes)$/i.test(value)) return true;
    if (/^(0|false|no)$/i.test(value)) return false;
    throw refuse(`${name} is 1 or 0`);
  };

  const region = text("region");
  if (region !== undefined && !/^[A-Za-z0-9-]{1,64}$/.test(region)) {
    throw refuse("no region can have that name");
  }
  const accessKeyId = decode(parsed.username);
  const secretAccessKey = decode(parsed.password);
  if ((accessKeyId === "") !== (secretAccessKey === "")) {
    throw refuse("key and secret go together; a slash in a secret is written %2F");
  }
  const sessionToken = text("session-token");
  const hasKey = accessKeyId !== "";
  if (sessionToken !== undefined && !hasKey) throw refuse("a session token needs key and secret");
  const [anonymous, metadata] = [flag("anonymous"), flag("metadata")];
  const profile = text("profile");
  if ([hasKey, anonymous, metadata, profile !== undefined].filter(Boolean).length > 1) {
    throw refuse("it says in more than one way who asks: key, profile, anonymous, metadata");
  }
  return {
    endpoint: `${secure ? "https" : "http"}://${parsed.host}`,
    bucket,
    prefix,
    region: region ?? regionOfHost(parsed.hostname),
    credentials: hasKey
      ? {
        accessKeyId,
        secretAccessKey,
        ...(sessionToken === undefined ? {} : { sessionToken }),
      }
      : undefined,
    profile,
    anonymous,
    metadata,
    create: flag("create"),
  };
}

/** Amazon's names of hosts say the region. */
function regionOfHost(host: string): string | undefined {
  return /^s3(?:\.dualstack)?[.-]([a-z]{2}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?$/.exec(host)
    ?.[1];
}
