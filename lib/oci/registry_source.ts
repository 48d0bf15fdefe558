/**
 * Images in registries, by the v2 API of the distribution project.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import {
  ImageFormatError,
  ImageNotFoundError,
  type MyfsError,
  RegistryUnavailableError,
} from "../base/errors.ts";
import { Attempts, retried, type RetryOptions } from "../store/wrappers/retrying_store.ts";
import { DOCKER_HUB, formatImageReference, type RegistryReference } from "./image_reference.ts";
import type { ImageSource, RawManifest } from "./image_source.ts";
import { ACCEPTED_MANIFESTS, type Descriptor, DOCUMENT_SIZE_MAX } from "./manifest.ts";
import { checkContent, ContentCheck, type OciDigest, toOciDigest } from "./oci_digest.ts";
import { RegistryAuth } from "./registry_auth.ts";
import { findCredentials, type RegistryCredentials } from "./registry_credentials.ts";
import { registryStatusFault } from "./registry_fault.ts";
import {
  type RegistryAnswer,
  RegistryTransport,
  type TransportOptions,
} from "./registry_transport.ts";

/** How registries are asked. */
export interface RegistryOptions extends TransportOptions {
  /** For the registry of the image's name, and for no mirror. */
  readonly credentials?: RegistryCredentials;
  /** Files in the format of Docker's `config.json`; the first that knows a registry counts. */
  readonly authFiles?: readonly string[];
  /**
   * Whether the registry is asked, and secrets are sent, without TLS.
   * @default {false}
   */
  readonly plainHttp?: boolean;
  /**
   * Registries that are asked first: `host[:port][/path]`, with `http://` in front for one without TLS.
   * What they lack comes from the image's own registry.
   */
  readonly mirrors?: readonly string[];
  /** How patiently failures are met. */
  readonly retry?: RetryOptions;
}

/** One server that may have the image. */
interface Endpoint {
  readonly base: URL;
  readonly repository: string;
  readonly auth: RegistryAuth;
}

/** What is read of an answer that is no success, in bytes. */
const REFUSAL_SIZE_MAX = 16 * 1024;

/** The server of Docker's registry. */
const DOCKER_HUB_SERVER = "registry-1.docker.io";

/** An image in a registry, and in its mirrors. */
export class RegistrySource implements ImageSource {
  readonly reference: string;
  readonly #name: RegistryReference;
  readonly #transport: RegistryTransport;
  readonly #endpoints: readonly Endpoint[];
  readonly #retry: RetryOptions;

  private constructor(
    name: RegistryReference,
    transport: RegistryTransport,
    endpoints: readonly Endpoint[],
    retry: RetryOptions,
  ) {
    this.reference = formatImageReference(name);
    this.#name = name;
    this.#transport = transport;
    this.#endpoints = endpoints;
    this.#retry = retry;
  }

  /**
   * Finds out who asks; the registry is not asked yet.
   *
   * @throws {RegistryDeniedError} when credentials cannot be had.
   */
  static async open(
    name: RegistryReference,
    options: RegistryOptions,
    signal?: AbortSignal,
  ): Promise<RegistrySource> {
    const transport = new RegistryTransport(options);
    const endpoints: Endpoint[] = [];
    const add = async (base: URL, repository: string, registry: string): Promise<void> => {
      const isOwn = registry === name.registry;
      const given = isOwn ? options.credentials : undefined;
      const credentials = given ??
        await findCredentials(options.authFiles ?? [], registry, repository, signal);
      const plainHttp = base.protocol === "http:";
      const clock = options.retry?.clock ?? systemClock;
      const auth = new RegistryAuth({ host: base.host, credentials, transport, plainHttp, clock });
      endpoints.push({ base, repository, auth });
    };
    for (const mirror of options.mirrors ?? []) {
      const { base, prefix } = parseMirror(mirror);
      await add(base, prefix + name.repository, base.host);
    }
    const server = name.registry === DOCKER_HUB ? DOCKER_HUB_SERVER : name.registry;
    const scheme = options.plainHttp === true ? "http" : "https";
    await add(new URL(`${scheme}://${server}/`), name.repository, name.registry);
    return new RegistrySource(name, transport, endpoints, options.retry ?? {});
  }

  async root(signal?: AbortSignal): Promise<RawManifest> {
    const { digest, tag } = this.#name;
    return await this.#readManifest(digest ?? tag!, digest, undefined, signal);
  }

  async manifest(descriptor: Descriptor, signal?: AbortSignal): Promise<RawManifest> {
    const { digest, size } = descriptor;
    const raw = await this.#readManifest(digest, digest, size, signal);
    return { ...raw, mediaType: raw.mediaType ?? descriptor.mediaType };
  }

  async *content(descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Bytes, void> {
    const { digest, size } = descriptor;
    const task = `read ${digest} of ${this.reference}`;
    const check = new ContentCheck(this.reference, "its part", { digest, size });
    let attempts = new Attempts(this.#retry, signal);
    // An empty one need not be asked for more than once, a long one is resumed where it broke off.
    for (let at = 0;;) {
      try {
        await using answer = await this.#openBlob(digest, check.size, task, signal);
        let skip = answer.status === 206 ? 0 : check.size;
        for await (const piece of answer.body) {
          if (skip >= piece.length) {
            skip -= piece.length;
            continue;
          }
          const fresh = skip === 0 ? piece : piece.slice(skip);
          skip = 0;
          check.add(fresh);
          yield fresh;
        }
        if (check.size < size) throw this.#cutOff(task, check.size, size);
        check.end();
        return;
      } catch (error) {
        // It goes on, so what went wrong before does not count any more.
        if (check.size > at) attempts = new Attempts(this.#retry, signal);
        at = check.size;
        await attempts.waitAfter(error);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #readManifest(
    name: string,
    digest: OciDigest | undefined,
    size: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<RawManifest> {
    const task = `read the manifest of ${this.reference}`;
    const path = `manifests/${name}`;
    return await this.#fromAny(async (endpoint) => {
      const fields = [["Accept", ACCEPTED_MANIFESTS]] as const;
      const answer = await retried(
        async () => {
          await using opened = await this.#ask(endpoint, path, fields, task, signal);
          const bytes = await this.#readWhole(opened.body, task, endpoint);
          return { bytes, headers: opened.headers };
        },
        this.#retry,
        signal,
      );
      const said = toOciDigest(answer.headers.get("docker-content-digest"));
      for (const one of [digest, said]) {
        if (one === undefined) continue;
        const expected = { digest: one, size: one === digest ? size : undefined };
        checkContent(this.reference, "its manifest", expected, answer.bytes);
      }
      const type = answer.headers.get("content-type")?.split(";", 1).join("").trim();
      return { bytes: answer.bytes, mediaType: type === "" ? undefined : type, isOriginal: true };
    });
  }

  async #readWhole(
    body: AsyncIterable<Bytes>,
    task: string,
    { base }: Endpoint,
  ): Promise<Bytes> {
    const whole = new Uint8Array(DOCUMENT_SIZE_MAX);
    let size = 0;
    for await (const piece of body) {
      if (size + piece.length > DOCUMENT_SIZE_MAX) {
        throw new ImageFormatError(
          this.reference,
          `cannot ${task}: what ${base.host} sends is larger than any manifest may be`,
        );
      }
      whole.set(piece, size);
      size += piece.length;
    }
    return whole.slice(0, size);
  }

  async #openBlob(
    digest: OciDigest,
    offset: number,
    task: string,
    signal: AbortSignal | undefined,
  ): Promise<RegistryAnswer> {
    const fields = offset === 0 ? [] : [["Range", `bytes=${offset}-`]] as const;
    return await this.#fromAny(async (endpoint) => {
      const answer = await this.#ask(endpoint, `blobs/${digest}`, fields, task, signal);
      if (answer.status !== 206) return answer;
      const range = answer.headers.get("content-range") ?? "";
      if (offset > 0 && new RegExp(`^bytes ${offset}-`).test(range)) return answer;
      await answer[Symbol.asyncDispose]();
      throw new RegistryUnavailableError(
        endpoint.base.host,
        `Cannot ${task}: ${endpoint.base.host} sends another range than was asked for`,
      );
    });
  }

  /** What the first endpoint gives that can; the last one's failure counts. */
  async #fromAny<Result>(ask: (endpoint: Endpoint) => Promise<Result>): Promise<Result> {
    for (const mirror of this.#endpoints.slice(0, -1)) {
      try {
        return await ask(mirror);
      } catch (error) {
        // A mirror is there to help: whatever is wrong with it, the registry itself may do. Only who
        // has given up does not want to hear of another one.
        if (!isMyfsError(error)) throw error;
      }
    }
    return await ask(this.#endpoints.at(-1)!);
  }

  /** Asks one endpoint, shows who asks where that is wanted, and gives an answer of success. */
  async #ask(
    { base, repository, auth }: Endpoint,
    path: string,
    fields: readonly (readonly [string, string])[],
    task: string,
    signal: AbortSignal | undefined,
  ): Promise<RegistryAnswer> {
    const url = new URL(`v2/${repository}/${path}`, base);
    const scope = `repository:${repository}:pull`;
    for (let isFresh = false;; isFresh = true) {
      const authorization = await auth.header(scope, signal);
      const all = authorization === undefined
        ? fields
        : [...fields, ["Authorization", authorization] as const];
      const answer = await this.#transport.request({ url, fields: all, task, signal });
      if (answer.status >= 200 && answer.status < 300) return answer;
      await drain(answer);
      if (answer.status === 401) {
        const wish = answer.headers.get("www-authenticate");
        auth.challenge(wish, scope, authorization, isFresh);
        continue;
      }
      if (answer.status === 404 || answer.status === 410) {
        throw path.startsWith("manifests/")
          ? new ImageNotFoundError(this.reference, `${base.host} does not have it`, {
            hint: "Check its name and its tag.",
          })
          : new ImageNotFoundError(
            this.reference,
            `${base.host} does not have ${path.slice("blobs/".length)} any more`,
            { hint: "The image was removed, or never complete. Try again, or push it again." },
          );
      }
      throw registryStatusFault(base.host, task, answer);
    }
  }

  #cutOff(task: string, at: number, size: number): MyfsError {
    const { host } = this.#endpoints.at(-1)!.base;
    return new RegistryUnavailableError(
      host,
      `Cannot ${task}: it ended after ${at} of ${size} bytes`,
      { retryable: true },
    );
  }
}

/** Reads what little a refusal says, so that its connection can be used again. */
async function drain(answer: RegistryAnswer): Promise<void> {
  await using _disposed = answer;
  let size = 0;
  for await (const piece of answer.body) {
    size += piece.length;
    if (size > REFUSAL_SIZE_MAX) return;
  }
}

function isMyfsError(error: unknown): error is MyfsError {
  return error instanceof Error && "hint" in error;
}

function parseMirror(text: string): { base: URL; prefix: string } {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`);
  if (url === null || url.hostname === "" || url.username !== "" || url.search !== "") {
    throw new SyntaxError("Cannot use a mirror: it has to be host, host:port or host:port/path");
  }
  const path = url.pathname.replace(/^\/(?:v2(?:\/|$))?|\/$/g, "");
  return { base: new URL("/", url), prefix: path === "" ? "" : `${path}/` };
}
