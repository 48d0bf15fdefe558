/**
 * How a client shows a registry who asks: not at all, with a password, or with tokens that another
 * server gives for it (the token and OAuth 2 flows of the distribution project).
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { RegistryDeniedError } from "../base/errors.ts";
import { parseJsonObject } from "./manifest.ts";
import type { RegistryCredentials } from "./registry_credentials.ts";
import { registryStatusFault } from "./registry_fault.ts";
import type { RegistryTransport } from "./registry_transport.ts";

/** What a registry asks for: one of the challenges of `WWW-Authenticate`. */
export interface Challenge {
  /** In lower case, such as `bearer`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads `WWW-Authenticate` (RFC 9110, section 11.6.1). What cannot be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const pattern =
    /\s*(?:,\s*)*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)(?=\s|,|$))/gy;
  for (let match = pattern.exec(header); match !== null; match = pattern.exec(header)) {
    const [, name, quoted, plain, scheme] = match;
    if (scheme !== undefined) {
      challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    } else {
      const value = quoted === undefined ? plain! : quoted.replace(/\\(.)/g, "$1");
      challenges.at(-1)?.parameters.set(name!.toLowerCase(), value);
    }
  }
  return challenges;
}

/** A token and when it is too old, in milliseconds of the clock. */
interface Token {
  readonly text: string;
  readonly oldMs: number;
}

/** What authorization needs of the registry it is for. */
export interface RegistryAuthOptions {
  /** Host and port, for errors. */
  readonly host: string;
  readonly credentials: RegistryCredentials | undefined;
  readonly transport: RegistryTransport;
  /** Whether secrets and tokens may go to servers without TLS. */
  readonly plainHttp: boolean;
  /** Tells how old tokens are. */
  readonly clock: Clock;
}

/** Seconds that a token is good for where its server does not say, as the specification has it. */
const TOKEN_SECONDS_DEFAULT = 60;

/** How long before its end a token is no longer used, in milliseconds. */
const TOKEN_MARGIN_MS = 10_000;

/** Largest answer with a token, in bytes. */
const TOKEN_ANSWER_SIZE_MAX = 1024 * 1024;

/** Keeps what one registry has asked for, and the tokens that answer it, one for each scope. */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions;
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;

  /** Nothing has been asked for yet. */
  constructor(options: RegistryAuthOptions) {
    this.#options = options;
  }

  /**
   * The value of `Authorization` for the next request; undefined where none is wanted. Tokens are
   * renewed before they end.
   *
   * @param scope What the request does, such as `repository:library/nginx:pull`.
   */
  async header(scope: string, signal?: AbortSignal): Promise<string | undefined> {
    const { credentials } = this.#options;
    if (credentials?.kind === "bearer") return `Bearer ${credentials.token}`;
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === "basic") return this.#basic();
    let token = this.#tokens.get(scope);
    if (token === undefined || this.#options.clock.now() > token.oldMs) {
      token = await this.#renewOnce(scope, this.#challenge, signal);
    }
    return `Bearer ${token.text}`;
  }

  /**
   * Takes note of an answer 401.
   *
   * @param refused What had been sent with the request.
   * @param isFresh Whether that was made after an earlier answer 401 to the same request.
   * @throws {RegistryDeniedError} when there is nothing better to send.
   */
  challenge(
    header: string | undefined,
    scope: string,
    refused: string | undefined,
    isFresh: boolean,
  ): void {
    const known = parseChallenges(header ?? "");
    const bearer = known.find(({ scheme, parameters }) =>
      scheme === "bearer" && parameters.has("realm")
    );
    const basic = known.find(({ scheme }) => scheme === "basic");
    const { host, credentials } = this.#options;
    const chosen = bearer ?? (credentials?.kind === "password" ? basic : undefined);
    // A token may have ended earlier than was said; one that is fresh is refused for good.
    const isStale = !isFresh && refused !== undefined && refused.startsWith("Bearer ") &&
      credentials?.kind !== "bearer" && this.#tokens.delete(scope);
    if (chosen !== undefined && (refused === undefined || isStale)) {
      this.#challenge = chosen;
      return;
    }
    const message = credentials === undefined
      ? `Cannot read from ${host}: it wants credentials`
      : `Cannot read from ${host}: it does not accept the credentials`;
    throw new RegistryDeniedError(host, message, {
      hint: "Give user and password, or sign in with docker login or skopeo login.",
    });
  }

  #basic(): string | undefined {
    const { credentials } = this.#options;
    if (credentials?.kind !== "password") return undefined;
    const pair = new TextEncoder().encode(`${credentials.username}:${credentials.password}`);
    return `Basic ${pair.toBase64()}`;
  }

  /** Several requests that need the same token ask for it once. */
  async #renewOnce(
    scope: string,
    challenge: Challenge,
    signal: AbortSignal | undefined,
  ): Promise<Token> {
    let pending = this.#pending.get(scope);
    if (pending === undefined) {
      pending = this.#renew(scope, challenge, signal).finally(() => this.#pending.delete(scope));
      this.#pending.set(scope, pending);
    }
    const token = await pending;
    this.#tokens.set(scope, token);
    return token;
  }

  async #renew(
    scope: string,
    challenge: Challenge,
    signal: AbortSignal | undefined,
  ): Promise<Token> {
    const { host, transport, credentials, clock } = this.#options;
    const realm = this.#realm(challenge);
    const service = challenge.parameters.get("service");
    const task = `get a token for ${host}`;
    let request: Parameters<RegistryTransport["requestWhole"]>[0];
    if (credentials?.kind === "identity") {
      const form = new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: credentials.token,
        client_id: "myfs",
        scope,
        ...(service === undefined ? {} : { service }),
      });
      request = {
        method: "POST",
        url: realm,
        body: new TextEncoder().encode(`${form}`),
        fields: [["Content-Type", "application/x-www-form-urlencoded"]],
        task,
        signal,
      };
    } else {
      if (service !== undefined) realm.searchParams.set("service", service);
      realm.searchParams.append("scope", scope);
      const basic = this.#basic();
      request = {
        url: realm,
        fields: basic === undefined ? [] : [["Authorization", basic]],
        task,
        signal,
      };
    }
    const answer = await transport.requestWhole(request, TOKEN_ANSWER_SIZE_MAX);
    if (answer.status !== 200) throw registryStatusFault(realm.host, task, answer);
    const { token, access_token, expires_in } = parseJsonObject(
      host,
      "the answer of the token server",
      answer.body,
    );
    const text = [token, access_token].find((one) => typeof one === "string" && one !== "");
    if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) {
      throw new RegistryDeniedError(host, `Cannot ${task}: ${realm.host} answered without one`);
    }
    const seconds = typeof expires_in === "number" && expires_in > 0
      ? Math.max(expires_in, TOKEN_SECONDS_DEFAULT)
      : TOKEN_SECONDS_DEFAULT;
    return { text, oldMs: clock.now() + seconds * 1000 - TOKEN_MARGIN_MS };
  }

  /** Where tokens come from, as the registry says: no place of trust but the registry's own word. */
  #realm({ parameters }: Challenge): URL {
    const { host, plainHttp } = this.#options;
    const realm = URL.parse(parameters.get("realm") ?? "");
    const isWeb = realm?.protocol === "https:" || realm?.protocol === "http:";
    if (realm === null || !isWeb) {
      throw new RegistryDeniedError(host, `Cannot read from ${host}: it names no token server`);
    }
    if (realm.protocol === "http:" && !plainHttp) {
      throw new RegistryDeniedError(
        host,
        `Cannot read from ${host}: its token server ${realm.host} has no TLS`,
        { hint: "If you trust the network, ask for plain HTTP (--plain-http)." },
      );
    }
    realm.username = realm.password = realm.hash = "";
    return realm;
  }
}
