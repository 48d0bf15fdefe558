/**
 * What a user got by signing in to hubs, in a file that only they may read.
 *
 * @module
 */

import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { HubAddress } from "./hub_address.ts";

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

/** Credentials by hub. Its file is made for its owner alone, and changes by a rename. */
export class HubCredentials {
  /** Path of the file. */
  readonly path: string;

  /** Credentials in the file at `path`, which need not exist. */
  constructor(path: string) {
    this.path = path;
  }

  /** What the hub gave, where the user signed in there. */
  async get({ base }: HubAddress): Promise<HubCredential | undefined> {
    const stored = await this.#read();
    return Object.hasOwn(stored, base.href) ? stored[base.href] : undefined;
  }

  /** Keeps what the hub gave. */
  async set({ base }: HubAddress, credential: HubCredential): Promise<void> {
    await this.#write({ ...await this.#read(), [base.href]: credential });
  }

  /** Forgets the hub; false where it was not known. */
  async delete({ base }: HubAddress): Promise<boolean> {
    const { [base.href]: known, ...others } = await this.#read();
    if (known === undefined) return false;
    await this.#write(others);
    return true;
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
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
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

function isCredential(value: unknown): value is HubCredential {
  if (typeof value !== "object" || value === null) return false;
  const { user, accessToken, refreshToken } = value as Partial<Record<string, unknown>>;
  return typeof user === "string" && typeof accessToken === "string" &&
    (refreshToken === undefined || typeof refreshToken === "string");
}
