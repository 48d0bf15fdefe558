/**
 * The requests that an S3 store is made of, one method each, with errors that say what they mean.
 *
 * @module
 */

import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Bytes } from "../base/bytes.ts";
import { StoreUnavailableError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import {
  connectS3,
  REGION_DEFAULT,
  type S3Connection,
  type S3ConnectOptions,
} from "./s3_client.ts";
import { s3Fault } from "./s3_fault.ts";
import { type S3Body, S3Refusal } from "./s3_transport.ts";
import type { S3Place } from "./s3_url.ts";
import type { StoreCallOptions } from "./store.ts";

/** Blocks of a listing. */
export interface S3Page {
  /** Ids of blocks; of other objects nothing is told. */
  readonly ids: readonly BlockId[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

/**
 * What became of a block that was to be kept only where there is none: `"conflict"` where another
 * writer was at it, `"unknown"` where the service does not take the condition.
 */
export type S3SendResult = "stored" | "present" | "conflict" | "unknown";

/** Names in a page of a listing, at most (S3). */
export const PAGE_LENGTH = 1000;

/** Sends a command and reads the answer. */
type Send<Result> = (client: S3Client, call: { abortSignal?: AbortSignal }) => Promise<Result>;

const idPattern = /^[0-9a-f]{64}$/;

/**
 * The objects of one bucket that are blocks. The service is first connected to when a request needs
 * it. Each method makes one request, or two where the first leaves a question open.
 */
export class S3Bucket implements AsyncDisposable {
  readonly #url: string;
  readonly #place: S3Place;
  readonly #options: S3ConnectOptions;
  #connecting: Promise<S3Connection> | undefined;
  #connection: S3Connection | undefined;
  /** Whether the bucket is known to exist: then what is missing is the object. */
  #isSeen = false;

  /** @param url The store, without secrets. */
  constructor(url: string, place: S3Place, options: S3ConnectOptions) {
    this.#url = url;
    this.#place = place;
    this.#options = options;
  }

  /**
   * The bytes under an id; undefined where there are none.
   *
   * @param task What could not be done, for the error, to follow "Cannot".
   */
  async read(id: BlockId, task: string, options: StoreCallOptions): Promise<Bytes | undefined> {
    const found = await this.#attempt(task, options, [404], async (client, call) => {
      const { Body } = await client.send(new GetObjectCommand(this.#object(id)), call);
      return (Body as unknown as S3Body).bytes;
    });
    if (!(found instanceof S3Refusal)) {
      this.#isSeen = true;
      // An empty object is what a service keeps of a write that failed.
      return found.length === 0 ? undefined : found;
    }
    if (found.code === "NoSuchKey") this.#isSeen = true;
    else if (found.code !== undefined) throw this.#fault(task, found);
    await this.makeSure(task, options);
    return undefined;
  }

  /** Size in bytes of the block under an id; undefined where there is none. */
  async sizeOf(id: BlockId, task: string, options: StoreCallOptions): Promise<number | undefined> {
    const refused = [400, 403, 404];
    const found = await this.#attempt(task, options, refused, async (client, call) => {
      const { ContentLength } = await client.send(new HeadObjectCommand(this.#object(id)), call);
      return ContentLength ?? 0;
    });
    if (!(found instanceof S3Refusal)) {
      this.#isSeen = true;
      return found === 0 ? undefined : found;
    }
    // An answer to HEAD has no body, so it does not say what is wrong. The answer to GET does.
    if (found.status !== 404) await this.#explain(id, task, options);
    await this.makeSure(task, options);
    return undefined;
  }

  /** Keeps bytes under an id, in place of what is there. */
  async send(
    id: BlockId,
    block: Uint8Array,
    task: string,
    options: StoreCallOptions,
  ): Promise<void> {
    await this.#request(task, options, async (client, call) => {
      await client.send(new PutObjectCommand({ ...this.#object(id), Body: block }), call);
    });
    this.#isSeen = true;
  }

  /** Keeps bytes under an id where there are none, and tells what became of them. */
  async sendIfMissing(
    id: BlockId,
    block: Uint8Array,
    task: string,
    options: StoreCallOptions,
  ): Promise<S3SendResult> {
    const refused = [400, 409, 412, 501];
    const found = await this.#attempt(task, options, refused, async (client, call) => {
      const input = { ...this.#object(id), IfNoneMatch: "*", Body: block };
      await client.send(new PutObjectCommand(input), call);
    });
    if (!(found instanceof S3Refusal)) {
      this.#isSeen = true;
      return "stored";
    }
    return found.status === 412 ? "present" : found.status === 409 ? "conflict" : "unknown";
  }

  /** Removes what is under an id, if anything is. */
  async delete(id: BlockId, task: string, options: StoreCallOptions): Promise<void> {
    await this.#request(task, options, async (client, call) => {
      await client.send(new DeleteObjectCommand(this.#object(id)), call);
    });
  }

  /**
   * Blocks whose ids begin with some digits, at most {@link PAGE_LENGTH}.
   *
   * @param after Where the page begins, as the page before says.
   */
  async page(
    digits: string,
    after: string | undefined,
    options: StoreCallOptions,
  ): Promise<S3Page> {
    const { bucket, prefix } = this.#place;
    const task = `list ${this.#url}`;
    const found = await this.#request(task, options, (client, call) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix + digits,
          // Leaves out other stores under longer prefixes.
          Delimiter: "/",
          MaxKeys: PAGE_LENGTH,
          ...(after === undefined ? {} : { ContinuationToken: after }),
        }),
        call,
      ));
    this.#assertListing(found, task);
    this.#isSeen = true;
    const ids = (found.Contents ?? []).flatMap(({ Key = "", Size }) => {
      const name = Key.startsWith(prefix) ? Key.slice(prefix.length) : "";
      return Size !== 0 && idPattern.test(name) ? [name as BlockId] : [];
    });
    const next = found.IsTruncated === true ? found.NextContinuationToken : undefined;
    if (found.IsTruncated === true && (next === undefined || next === after)) {
      throw new StoreUnavailableError(
        this.#url,
        `Cannot ${task}: the service says that there is more, and not where`,
      );
    }
    return { ids, next };
  }

  /**
   * Makes sure that the bucket is there, unless it was seen before. Asks for one name in it, as the
   * answer says more than that to a request for the bucket itself. Who may not list passes: reading
   * and writing may be allowed all the same.
   *
   * @param create Whether to make the bucket where it is missing.
   * @throws {StoreUnavailableError} when it is not there.
   * @throws {StoreDeniedError} when the service does not know the caller.
   */
  async makeSure(task: string, options: StoreCallOptions, create = false): Promise<void> {
    if (this.#isSeen) return;
    const { bucket, prefix } = this.#place;
    const found = await this.#attempt(task, options, [403, 404], async (client, call) => {
      const input = { Bucket: bucket, Prefix: prefix, MaxKeys: 1 };
      return await client.send(new ListObjectsV2Command(input), call);
    });
    if (!(found instanceof S3Refusal)) {
      this.#assertListing(found, task);
    } else if (found.code !== "AccessDenied") {
      if (!create || found.code !== "NoSuchBucket") throw this.#fault(task, found);
      await this.#make(task, options);
    }
    this.#isSeen = true;
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const connection = await this.#connecting?.catch(() => undefined);
    connection?.[Symbol.dispose]();
  }

  /** The client takes any document for a listing, and a web page for that of an empty bucket. */
  #assertListing(found: ListObjectsV2CommandOutput, task: string): void {
    if (found.IsTruncated !== undefined) return;
    throw new StoreUnavailableError(
      this.#url,
      `Cannot ${task}: the answer is not that of an S3 service`,
      { hint: "Check host and port, and the scheme: s3:// is HTTP, s3s:// is HTTPS." },
    );
  }

  async #make(task: string, options: StoreCallOptions): Promise<void> {
    const found = await this.#attempt(task, options, [409], async (client, call) => {
      const region = this.#connection!.region;
      const where = region === REGION_DEFAULT ? {} : {
        CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint },
      };
      await client.send(new CreateBucketCommand({ Bucket: this.#place.bucket, ...where }), call);
    });
    // Another writer was faster. A bucket of somebody else's is another matter.
    if (found instanceof S3Refusal && found.code !== "BucketAlreadyOwnedByYou") {
      throw this.#fault(task, found);
    }
  }

  /** Throws what the service says about an object that it does not give. */
  async #explain(id: BlockId, task: string, options: StoreCallOptions): Promise<void> {
    await this.#attempt(task, options, [404, 416], async (client, call) => {
      await client.send(new GetObjectCommand({ ...this.#object(id), Range: "bytes=0-0" }), call);
    });
  }

  /** Makes a request. @throws what the failure means for a store. */
  async #request<Result>(
    task: string,
    { signal }: StoreCallOptions,
    send: Send<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    try {
      const { client } = this.#connection ?? await unlessAborted(this.#connect(), signal);
      return await send(client, signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#fault(task, error);
    }
  }

  /** Makes a request that the service may refuse with one of some statuses: the caller knows why. */
  async #attempt<Result>(
    task: string,
    options: StoreCallOptions,
    statuses: readonly number[],
    send: Send<Result>,
  ): Promise<Result | S3Refusal> {
    return await this.#request(task, options, async (client, call) => {
      try {
        return await send(client, call);
      } catch (error) {
        if (error instanceof S3Refusal && statuses.includes(error.status)) return error;
        throw error;
      }
    });
  }

  #fault(task: string, error: unknown): unknown {
    return s3Fault(this.#url, task, error, this.#connection?.asker ?? "signed");
  }

  async #connect(): Promise<S3Connection> {
    this.#connecting ??= connectS3(this.#url, this.#place, this.#options);
    try {
      return this.#connection = await this.#connecting;
    } catch (error) {
      // The next call tries again: credentials may be there by then.
      this.#connecting = undefined;
      throw error;
    }
  }

  #object(id: BlockId): { Bucket: string; Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + id };
  }
}

/** What `promise` gives, unless the signal is aborted first. */
function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
