/**
 * Access tokens: JWTs as rfs's clients know them, signed with HS256 and nothing else.
 *
 * @module
 */

import { errors, jwtVerify, SignJWT } from "jose";
import { HubProblem } from "../../lib/hub_api/problem.ts";

const ISSUER = "myfs-hub";
const AUDIENCE = "myfs-hub-api";

/** Bytes that a secret must have at least: as many as the digest of HS256. */
export const JWT_SECRET_BYTES_MIN = 32;

/** The longest that a token is good for, as rfs has it. */
const LIFETIME_SECONDS_MAX = 24 * 3600;

/** What a token says. */
export interface AccessClaims {
  readonly user: string;
  readonly session: string;
}

/** Tokens whose signature was checked already, and is not checked again. */
const KNOWN_MAX = 1000;

/** Makes and reads access tokens. */
export class AccessTokens {
  readonly #key: Uint8Array;
  /** What a good token says never changes, save that it ends. In the order of use. */
  readonly #known = new Map<string, AccessClaims & { readonly endsAtSeconds: number }>();
  /** For how long a token is good, in seconds. */
  readonly lifetimeSeconds: number;

  /** @throws {RangeError} when the secret is short. */
  constructor(secret: string, lifetimeSeconds: number) {
    this.#key = new TextEncoder().encode(secret);
    this.lifetimeSeconds = lifetimeSeconds;
    if (this.#key.length < JWT_SECRET_BYTES_MIN) {
      throw new RangeError(`The secret of tokens needs at least ${JWT_SECRET_BYTES_MIN} bytes`);
    }
  }

  /** Makes a token. `now` is in milliseconds since 1970. */
  async make({ user, session }: AccessClaims, now: number): Promise<string> {
    const seconds = Math.floor(now / 1000);
    return await new SignJWT({ username: user, sid: session })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + this.lifetimeSeconds)
      .setJti(crypto.randomUUID())
      .sign(this.#key);
  }

  /** Reads a token. @throws {HubProblem} when it is not one of this hub's, or is too old. */
  async read(token: string, now: number): Promise<AccessClaims> {
    const known = this.#known.get(token);
    if (known !== undefined) this.#known.delete(token);
    if (known !== undefined && now < known.endsAtSeconds * 1000) {
      this.#known.set(token, known);
      return known;
    }
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ["HS256"],
        typ: "JWT",
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ["exp", "iat", "jti", "username", "sid"],
        currentDate: new Date(now),
      });
      const { username, sid, exp, iat } = payload;
      // One that is good for longer than any hub makes them is no hub's.
      const isBounded = exp! - iat! <= LIFETIME_SECONDS_MAX;
      if (typeof username === "string" && typeof sid === "string" && isBounded) {
        const claims = { user: username, session: sid };
        if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
        this.#known.set(token, { ...claims, endsAtSeconds: exp! });
        return claims;
      }
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new HubProblem(401, "token_expired", "The token has expired");
      }
      if (!(error instanceof errors.JOSEError)) throw error;
    }
    throw new HubProblem(401, "token_invalid", "The token is not good");
  }
}
