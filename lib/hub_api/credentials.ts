/**
 * What a user got by signing in to hubs, in a file that only they may read.
 *
 * @module
 */

import { builtIn } from "../base/built_in.ts";
import type { HubAddress } from "./hub_address.ts";

/** A token that somebody gave, for one hub. */
export interface GivenHubToken {
  /** The only hub that gets it. */
  readonly hub: HubAddress;
  /** An access token or API token. */
  readonly token: string;
}

/** What becomes part of a header: what RFC 6750 allows, and signs that others use. */
const TOKEN = /^[\x21-\x7e]+$/;

/** What one hub gave. */
export interface HubCredential {
  /** Who signed in. */
  readonly user: string;
  /** What requests are authorized with. */
  readonly accessToken: string;
  /** Missing at hubs that give none, such as rfs's. */
  readonly refreshToken?: string;
}

type Stored = Record<string, HubCredential>;

/**
 * Credentials by hub. Its file is made for its owner alone, and changes by a rename, of one process at
 * a time.
 */
export class HubCredentials {
  /** Path of the file. */
  readonly path: string;
  readonly #given: GivenHubToken | undefined;

  /**
   * Credentials in the file at `path`, which need not exist. Given as `hubCredentials` to a store,
   * they let it be written without a token in its URL:
   *
   * ```ts ignore
   * const hubCredentials = new HubCredentials("/home/alice/.config/myfs/hubs.json");
   * await using store = await openStore(["hubs://hub.example"], { create: true, hubCredentials });
   * ```
   *
   * @param given What one hub gets in place of what the file has for it.
   * @throws {TypeError} when it has signs that no token has; the message does not show it.
   */
  constructor(path: string, given?: GivenHubToken) {
    if (given !== undefined) assertToken(given.token);
    this.path = path;
    this.#given = given;
  }

  /** What the hub gave, where the user signed in there. */
  async get({ base }: HubAddress): Promise<HubCredential | undefined> {
    if (this.#given?.hub.base.href === base.href) {
      return { user: "", accessToken: this.#given.token };
    }
    const stored = await this.#read();
    return Object.hasOwn(stored, base.href) ? stored[base.href] : undefined;
  }

  /** Keeps what the hub gave. */
  async set(hub: HubAddress, credential: HubCredential): Promise<void> {
    await this.update(hub, () => Promise.resolve(credential));
  }

  /** Forgets the hub; false where it was not known. */
  async delete(hub: HubAddress): Promise<boolean> {
    let wasKnown = false;
    await this.update(hub, (known) => {
      wasKnown = known !== undefined;
      return Promise.resolve(undefined);
    });
    return wasKnown;
  }

  /**
   * Changes what the file has for a hub to what `change` makes of it; undefined stands for nothing.
   * Other processes that change the file wait meanwhile: a token that may be used once is.
   */
  async update(
    { base }: HubAddress,
    change: (known: HubCredential | undefined) => Promise<HubCredential | undefined>,
  ): Promise<void> {
    const folder = builtIn("node:path").dirname(this.path);
    await builtIn("node:fs").promises.mkdir(folder, { recursive: true, mode: 0o700 });
    // Beside the file, which a rename replaces together with its locks.
    using lock = await Deno.open(`${this.path}.lock`, { write: true, create: true, mode: 0o600 });
    await lock.lock(true);
    const stored = await this.#read();
    const known = Object.hasOwn(stored, base.href) ? stored[base.href] : undefined;
    const next = await change(known);
    if (next === known) return;
    delete stored[base.href];
    await this.#write(next === undefined ? stored : { ...stored, [base.href]: next });
  }

  async #read(): Promise<Stored> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return {};
      throw error;
    }
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== "object" || value === null) throw new SyntaxError();
      return Object.fromEntries(Object.entries(value).filter(([, entry]) => isCredential(entry)));
    } catch {
      // Said without the parser's words, which quote what they found.
      throw new SyntaxError(
        `Cannot read ${this.path}: it is not JSON; remove it and sign in again`,
      );
    }
  }

  async #write(stored: Stored): Promise<void> {
    const { chmod, rename, rm } = builtIn("node:fs").promises;
    const temporary = `${this.path}.${crypto.randomUUID()}.tmp`;
    try {
      await Deno.writeTextFile(temporary, `${JSON.stringify(stored, null, 2)}\n`, {
        mode: 0o600,
        createNew: true,
      });
      await chmod(temporary, 0o600);
      await rename(temporary, this.path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** @throws {TypeError} when `token` cannot be one. */
export function assertToken(token: string): void {
  if (!TOKEN.test(token)) {
    throw new TypeError("Cannot use the token: it has characters that no token has");
  }
}

function isCredential(value: unknown): value is HubCredential {
  if (typeof value !== "object" || value === null) return false;
  const { user, accessToken, refreshToken } = value as Partial<Record<string, unknown>>;
  return typeof user === "string" && typeof accessToken === "string" && TOKEN.test(accessToken) &&
    (refreshToken === undefined || typeof refreshToken === "string");
}
