/**
 * A client of a hub.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  FlistNotFoundError,
  HubError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../base/errors.ts";
import { assertToken, type HubCredential, type HubCredentials } from "./credentials.ts";
import {
  formatHubFlist,
  type HubAddress,
  hubFlistPath,
  type HubFlistReference,
  parseHubAddress,
} from "./hub_address.ts";
import type {
  AnswerSchema,
  CreateHubTokenOptions,
  HubFlistHistory,
  HubFlistPage,
  HubToken,
  HubUser,
  NewHubToken,
} from "./hub_answers.ts";
import type * as messages from "./messages/mod.ts";
import type * as z from "zod";

/** How to connect to a hub. */
export interface ConnectHubOptions {
  /** An access token or API token. */
  readonly token?: string;
  /** Who signs in, with `password`, instead of a token. */
  readonly user?: string;
  /** See `user`. */
  readonly password?: string;
  /** Where tokens of earlier sign-ins lie, and refreshed ones are kept. Not used beside a token. */
  readonly credentials?: HubCredentials;
  /** Ends all requests. */
  readonly signal?: AbortSignal;
  /**
   * How long a hub may take nothing of a request, or may take to begin its answer.
   *
   * @default {30_000}
   */
  readonly timeoutMs?: number;
  /** How often a request that failed for the moment is made again. @default {4} */
  readonly retries?: number;
}

/** A request. */
export interface HubRequest {
  /** What to do. */
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the hub's base, without a slash in front. */
  readonly path: string;
  /** A body in JSON. */
  readonly json?: unknown;
  /** Makes a body that is not JSON, anew for each attempt. */
  readonly body?: () => BodyInit;
  /** Bytes that the hub looks at before it answers, for which it gets time beside that for others. */
  readonly workBytes?: number;
  /** Header fields besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What could not be done, to follow "Cannot". */
  readonly task: string;
  /** Statuses that are answers, beside those of success. */
  readonly accept?: readonly number[];
  /** Ends the request. */
  readonly signal?: AbortSignal | undefined;
}

/** First wait before another attempt, in milliseconds; it doubles. */
const RETRY_WAIT_MS = 200;
/** Bytes that every hub looks at in a millisecond: one with a slow disk. */
const WORK_BYTES_PER_MS = 16 * 1024;
/** Longest wait that a hub may ask for, in milliseconds. */
const RETRY_WAIT_MAX_MS = 60_000;
/** Longest answer in JSON, in bytes: 10,000 ids take 670 kB. */
const JSON_SIZE_MAX = 16 * 1024 * 1024;
/** Longest problem that is read, in bytes. */
const PROBLEM_SIZE_MAX = 64 * 1024;

const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Connects to a hub, and signs in where user and password are given.
 *
 * @param hub Such as `hub://host:3000`, `hubs://host` or its web address.
 * @throws {SyntaxError} when `hub` cannot be read.
 * @throws {StoreDeniedError} when user or password are wrong.
 * @throws {StoreUnavailableError} when no hub answers.
 */
export async function connectHub(hub: string, options: ConnectHubOptions = {}): Promise<HubClient> {
  const client = new HubClient(parseHubAddress(hub), options);
  const { user, password } = options;
  if ((user === undefined) !== (password === undefined)) {
    throw new TypeError("Cannot sign in with one of user and password: it takes both");
  }
  if (user !== undefined && password !== undefined) await client.signIn(user, password);
  return client;
}

/** Requests to one hub. Redirects are not followed: they could lead credentials elsewhere. */
export class HubClient {
  /** The hub. */
  readonly hub: HubAddress;
  readonly #options: ConnectHubOptions;
  #credential: HubCredential | undefined;
  #loaded: boolean;
  #loading: Promise<HubCredential | undefined> | undefined;
  #refreshing: Promise<boolean> | undefined;

  /** Use {@link connectHub}. */
  constructor(hub: HubAddress, options: ConnectHubOptions) {
    this.hub = hub;
    this.#options = options;
    this.#loaded = options.token !== undefined || options.credentials === undefined;
    if (options.token === undefined) return;
    assertToken(options.token);
    this.#credential = { user: "", accessToken: options.token };
  }

  /** Signs in; where the client has credentials, what the hub gave is kept there. */
  async signIn(user: string, password: string): Promise<void> {
    const { SignInAnswer } = await import("./messages/mod.ts");
    this.#loaded = true;
    this.#credential = undefined;
    const answer = await this.json(SignInAnswer, {
      method: "POST",
      path: "api/v1/signin",
      json: { username: user, password },
      task: `sign in to ${this.hub.name}`,
    });
    this.#credential = credentialOf(user, answer);
    await this.#options.credentials?.set(this.hub, this.#credential);
  }

  /** Signs out: the hub and the credentials forget the tokens. False where nobody was signed in. */
  async signOut(): Promise<boolean> {
    const credential = await this.#load();
    if (credential === undefined) return false;
    await this.request({
      method: "POST",
      path: "api/v1/signout",
      json: credential.refreshToken === undefined ? {} : { refresh_token: credential.refreshToken },
      task: `sign out of ${this.hub.name}`,
      // A token that has ended is as good as signed out, and rfs knows no signing out.
      accept: [401, 403, 404, 405],
    }).then((response) => response.body?.cancel());
    this.#credential = undefined;
    await this.#options.credentials?.delete(this.hub);
    return true;
  }

  /** Who the caller is to the hub. */
  async me(): Promise<HubUser> {
    const { MeAnswer } = await import("./messages/mod.ts");
    const task = `ask ${this.hub.name} who is signed in`;
    return await this.json(MeAnswer, { method: "GET", path: "api/v1/me", task });
  }

  /** The caller's API tokens, without their secrets. */
  async tokens(): Promise<readonly HubToken[]> {
    const { TokensAnswer } = await import("./messages/mod.ts");
    const task = `list the tokens at ${this.hub.name}`;
    return (await this.json(TokensAnswer, { method: "GET", path: "api/v1/tokens", task })).tokens;
  }

  /** Makes an API token. The answer alone has its secret. */
  async createToken(
    request: CreateHubTokenOptions,
  ): Promise<NewHubToken> {
    const { CreateTokenAnswer } = await import("./messages/mod.ts");
    const task = `make a token at ${this.hub.name}`;
    return await this.json(CreateTokenAnswer, {
      method: "POST",
      path: "api/v1/tokens",
      json: request,
      task,
    });
  }

  /** Ends an API token. */
  async revokeToken(id: string): Promise<void> {
    const response = await this.request({
      method: "DELETE",
      path: `api/v1/tokens/${encodeURIComponent(id)}`,
      task: `revoke token ${id} at ${this.hub.name}`,
    });
    await response.body?.cancel();
  }

  /** A page of the flists that the caller may see. */
  async flists(
    query: { readonly query?: string; readonly user?: string; readonly page?: number } = {},
  ): Promise<HubFlistPage> {
    const { FlistsAnswer } = await import("./messages/mod.ts");
    const fields = Object.entries(query).filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, string] => [name, String(value)]);
    return await this.json(FlistsAnswer, {
      method: "GET",
      path: `api/v1/flists?${new URLSearchParams([...fields, ["per_page", "100"]])}`,
      task: `list the flists at ${this.hub.name}`,
    });
  }

  /** The tags of a flist, and what they stood for. */
  async flistHistory(user: string, name: string): Promise<HubFlistHistory> {
    const { FlistHistoryAnswer } = await import("./messages/mod.ts");
    return await this.json(FlistHistoryAnswer, {
      method: "GET",
      path: `api/v1/flists/${encodeURIComponent(user)}/${encodeURIComponent(name)}`,
      task: `show the history of ${this.hub.name}/${user}/${name}`,
    });
  }

  /**
   * Asks for the bytes of a flist: status 200 with a body that the caller reads or cancels, or 304
   * where the flist is still the one with `etag`.
   *
   * @throws {FlistNotFoundError} when there is none, or the caller may not see it.
   */
  async fetchFlist(
    reference: HubFlistReference,
    { etag, signal }: { readonly etag?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Response> {
    const name = formatHubFlist(reference);
    const response = await this.request({
      method: "GET",
      path: hubFlistPath(reference),
      task: `get flist ${name}`,
      accept: [304, 404],
      ...(etag === undefined ? {} : { headers: { "If-None-Match": etag } }),
      signal,
    });
    if (response.status !== 404) return response;
    await response.body?.cancel();
    throw new FlistNotFoundError(name, {
      hint: "Check the name and the tag; a private flist takes myfs login first.",
    });
  }

  /**
   * The access token that requests are authorized with, for those who make some of their own;
   * undefined where there is none.
   *
   * @param refused One that the hub did not take any more: then it is the next one.
   * @throws {StoreUnavailableError} when the hub does not answer.
   */
  async accessToken(refused?: string): Promise<string | undefined> {
    const credential = await this.#load();
    if (refused === undefined || credential?.accessToken !== refused) {
      return credential?.accessToken;
    }
    try {
      return await this.#refresh(credential) ? this.#credential?.accessToken : undefined;
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) throw error;
      throw this.#unreachable(`refresh the token of ${this.hub.name}`, error);
    }
  }

  /** Makes a request whose answer is JSON, checked with `schema`. */
  async json<Value>(schema: AnswerSchema<Value>, request: HubRequest): Promise<Value> {
    return await this.#read(schema, request.task, await this.request(request));
  }

  /** As {@link json}; undefined where the answer's status is one of those that are accepted. */
  async optionalJson<Value>(
    schema: AnswerSchema<Value>,
    request: HubRequest,
  ): Promise<Value | undefined> {
    const response = await this.request(request);
    if (response.ok) return await this.#read(schema, request.task, response);
    await response.body?.cancel();
    return undefined;
  }

  async #read<Value>(
    schema: AnswerSchema<Value>,
    task: string,
    response: Response,
  ): Promise<Value> {
    const text = await boundedText(response, JSON_SIZE_MAX);
    let value: unknown;
    try {
      value = JSON.parse(text ?? "");
    } catch {
      throw this.#notHub(task);
    }
    const checked = schema.safeParse(value);
    if (checked.success) return checked.data;
    throw this.#notHub(task);
  }

  /**
   * Makes a request, again where it failed for the moment, and with a new token where the old one
   * has ended. The caller reads or cancels the body.
   *
   * @throws {StoreDeniedError} {StoreUnavailableError} {HubError} for what is no success.
   */
  async request(request: HubRequest): Promise<Response> {
    const { retries = 4 } = this.#options;
    const ends = [request.signal, this.#options.signal].filter((signal) => signal !== undefined);
    const signal = ends.length === 0 ? undefined : AbortSignal.any(ends);
    let refreshed = false;
    for (let attempt = 0;; attempt++) {
      const credential = await this.#load();
      let failure: unknown;
      let waitMs = RETRY_WAIT_MS * 2 ** attempt;
      try {
        const response = await this.#send(request, credential, signal);
        if (response.ok || request.accept?.includes(response.status) === true) return response;
        const problem = await readProblem(response);
        if (response.status === 401 && !refreshed && await this.#refresh(credential)) {
          refreshed = true;
          continue;
        }
        const error = this.#problemError(request.task, response, problem);
        if (!LATER.has(response.status)) throw error;
        failure = error;
        if (error instanceof StoreUnavailableError && error.retryAfterMs !== undefined) {
          waitMs = Math.min(error.retryAfterMs, RETRY_WAIT_MAX_MS);
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error !== failure && !(error instanceof ConnectionFailure)) throw error;
        failure = error instanceof ConnectionFailure
          ? this.#unreachable(request.task, error)
          : error;
      }
      if (attempt >= retries) throw failure;
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch((error) => {
        signal?.throwIfAborted();
        throw error;
      });
    }
  }

  async #send(
    request: HubRequest,
    credential: HubCredential | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { timeoutMs = 30_000 } = this.#options;
    const headers = new Headers(request.headers);
    headers.set("Accept", "application/json, application/problem+json, */*");
    headers.set("User-Agent", "myfs");
    if (credential !== undefined) headers.set("Authorization", `Bearer ${credential.accessToken}`);
    if (request.json !== undefined) headers.set("Content-Type", "application/json");
    const late = new AbortController();
    const waitMs = timeoutMs + Math.floor((request.workBytes ?? 0) / WORK_BYTES_PER_MS);
    let timer = setTimeout(() => late.abort(), waitMs);
    const given = request.json === undefined ? request.body?.() : JSON.stringify(request.json);
    const body = given instanceof ReadableStream
      ? given.pipeThrough(
        new TransformStream({
          transform(piece, controller): void {
            // What is on its way is no silence.
            clearTimeout(timer);
            if (!isOver) timer = setTimeout(() => late.abort(), waitMs);
            controller.enqueue(piece);
          },
        }),
      )
      : given;
    let isOver = false;
    const end = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    try {
      return await fetch(new URL(request.path, this.hub.base), {
        method: request.method,
        headers,
        redirect: "manual",
        signal: end,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (late.signal.aborted) {
        throw new ConnectionFailure(`no answer within ${waitMs} ms`, error);
      }
      throw new ConnectionFailure("the hub cannot be reached, or hung up", error);
    } finally {
      isOver = true;
      clearTimeout(timer);
    }
  }

  /** Gets the next access token: once for all requests that found the last one ended. */
  async #refresh(used: HubCredential | undefined): Promise<boolean> {
    if (used === undefined) return false;
    if (this.#credential !== used) return this.#credential !== undefined;
    if (used.refreshToken === undefined) return false;
    this.#refreshing ??= this.#refreshNow(used).finally(() => this.#refreshing = undefined);
    return await this.#refreshing;
  }

  async #refreshNow(used: HubCredential): Promise<boolean> {
    const { credentials } = this.#options;
    let next: HubCredential | undefined;
    const refresh = async (kept: HubCredential | undefined): Promise<HubCredential | undefined> => {
      // Another process may have used the token up, and kept the next one.
      if (kept !== undefined && kept.accessToken !== used.accessToken) return next = kept;
      next = await this.#nextCredential(used);
      return next ?? kept;
    };
    await (credentials === undefined ? refresh(used) : credentials.update(this.hub, refresh));
    if (next !== undefined) this.#credential = next;
    return next !== undefined;
  }

  /** What the hub gives for the refresh token; undefined where it gives nothing. */
  async #nextCredential(used: HubCredential): Promise<HubCredential | undefined> {
    const { SignInAnswer } = await import("./messages/mod.ts");
    const response = await this.#send(
      {
        method: "POST",
        path: "api/v1/token/refresh",
        json: { refresh_token: used.refreshToken },
        task: `refresh the token of ${this.hub.name}`,
      },
      undefined,
      this.#options.signal,
    );
    const text = await boundedText(response, PROBLEM_SIZE_MAX);
    if (!response.ok || text === undefined) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined;
    }
    const { success, data } = SignInAnswer.safeParse(value);
    return success ? credentialOf(used.user, data) : undefined;
  }

  async #load(): Promise<HubCredential | undefined> {
    if (this.#loaded) return this.#credential;
    // Once for all requests that begin together.
    this.#loading ??= this.#options.credentials?.get(this.hub);
    const credential = await this.#loading;
    // Meanwhile somebody may have signed in.
    if (this.#loaded) return this.#credential;
    this.#loaded = true;
    return this.#credential = credential;
  }

  #problemError(
    task: string,
    { status, headers }: Response,
    { code, text }: { readonly code: string | undefined; readonly text: string | undefined },
  ): Error {
    if (status >= 300 && status < 400) {
      return new StoreUnavailableError(
        this.hub.name,
        `Cannot ${task}: the hub redirects, and redirects are not followed`,
        { hint: "Name the address that it redirects to." },
      );
    }
    const message = `Cannot ${task}: ${text ?? `the hub answers ${status}`}`;
    if (status === 401 || status === 403) {
      return new StoreDeniedError(this.hub.name, message, {
        hint: task.startsWith("sign in")
          ? "Check the user's name and the password."
          : `Sign in with: myfs login ${this.hub.name}`,
      });
    }
    if (!LATER.has(status)) return new HubError(this.hub.name, message, { status, problem: code });
    const seconds = Number(headers.get("retry-after") ?? NaN);
    return new StoreUnavailableError(this.hub.name, message, {
      retryable: true,
      hint: "Run the command again later, or look at the hub.",
      ...(seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
    });
  }

  #unreachable(task: string, { message, cause }: ConnectionFailure): StoreUnavailableError {
    return new StoreUnavailableError(this.hub.name, `Cannot ${task}: ${message}`, {
      cause,
      hint: "Check the address and the hub.",
      retryable: true,
    });
  }

  #notHub(task: string): StoreUnavailableError {
    return new StoreUnavailableError(
      this.hub.name,
      `Cannot ${task}: the answer is not what a hub says`,
      { hint: "Check the host, the port and the path of the hub." },
    );
  }
}

function credentialOf(
  user: string,
  answer: z.infer<typeof messages.SignInAnswer>,
): HubCredential {
  return {
    user,
    accessToken: answer.access_token,
    ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
  };
}

/** No answer came. */
class ConnectionFailure extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}

/** What a hub says went wrong. rfs's says it in plain text, or as an `error` in JSON. */
async function readProblem(
  response: Response,
): Promise<{ readonly code: string | undefined; readonly text: string | undefined }> {
  const text = await boundedText(response, PROBLEM_SIZE_MAX).catch(() => undefined);
  try {
    const { code, title, detail, error } = JSON.parse(text ?? "");
    const said = [title ?? error, detail].filter((part) => typeof part === "string").join(": ");
    return {
      code: typeof code === "string" ? code : undefined,
      text: said === "" ? undefined : printable(said),
    };
  } catch {
    return { code: undefined, text: undefined };
  }
}

/** `text` without what a terminal would obey, and not endless. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, " ").slice(0, 500);
}

/** The body as text; undefined when it is longer than `sizeMax` bytes. */
async function boundedText(response: Response, sizeMax: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > sizeMax) return undefined;
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
