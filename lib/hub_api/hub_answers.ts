/**
 * What a hub says, as the client gives it to its callers. The schemas of `messages/` check that an
 * answer is one of these; the names of fields are the API's own.
 *
 * @module
 */

/** What a token may be for. */
export type HubScope = "read" | "write" | "admin";

/** Checks a value that came from a hub; zod's schemas are such. */
export interface AnswerSchema<Value> {
  /** Says whether `value` is what it should be, and gives it with its type. */
  safeParse(value: unknown): { success: true; data: Value } | { success: false };
}

/** Who is signed in, and what they may do. */
export interface HubUser {
  /** Name. */
  readonly user: string;
  /** Role. */
  readonly role: "user" | "admin";
  /** What the token in use is good for. */
  readonly scopes: readonly HubScope[];
  /** The only namespace that the token is good for. */
  readonly namespace?: string | undefined;
  /** Bytes that the user stores. */
  readonly bytes_used?: number | undefined;
  /** The most that they may; null is no limit. */
  readonly bytes_max?: number | null | undefined;
  /** Blocks, files and flists of the user. */
  readonly objects_used?: number | undefined;
  /** The most that they may have; null is no limit. */
  readonly objects_max?: number | null | undefined;
}

/** An API token, without its secret. */
export interface HubToken {
  /** By which it is revoked. */
  readonly id: string;
  /** What its owner called it. */
  readonly name: string;
  /** What it is good for. */
  readonly scopes: readonly HubScope[];
  /** The only namespace that it is good for. */
  readonly namespace?: string | undefined;
  /** When it was made, in UTC. */
  readonly created_at: string;
  /** When it ends. */
  readonly expires_at?: string | undefined;
  /** When it was last used. */
  readonly last_used_at?: string | undefined;
}

/** An API token just made. */
export interface NewHubToken extends HubToken {
  /** The token itself, shown this once. */
  readonly token: string;
}

/** Which API token to make. */
export interface CreateHubTokenOptions {
  /** What to call it. */
  readonly name: string;
  /** What it is to be good for. */
  readonly scopes: HubScope[];
  /** The only namespace that it is to be good for. */
  readonly namespace?: string;
  /** Seconds until it ends. @default {it does not} */
  readonly expires_in?: number;
}

/** A flist under a name and tag. */
export interface HubFlist {
  /** Whose it is. */
  readonly user: string;
  /** Its name. */
  readonly name: string;
  /** Which version. */
  readonly tag: string;
  /** SHA-256 of the flist. */
  readonly digest: string;
  /** Bytes of the flist. */
  readonly size: number;
  /** Who may see it. */
  readonly visibility: "public" | "private";
  /** When the tag was made, in UTC. */
  readonly created_at: string;
  /** When it came to stand for this flist. */
  readonly updated_at: string;
}

/** A page of flists. */
export interface HubFlistPage {
  /** By user, name and tag. */
  readonly flists: readonly HubFlist[];
  /** How many there are on all pages. */
  readonly total: number;
  /** Which page this is, from 1. */
  readonly page: number;
  /** Flists a page. */
  readonly per_page: number;
}

/** That a tag came to stand for a flist, or for none. */
export interface HubFlistEvent {
  /** The tag. */
  readonly tag: string;
  /** SHA-256 of the flist; missing where the tag was removed. */
  readonly digest?: string | undefined;
  /** Bytes of the flist. */
  readonly size?: number | undefined;
  /** When, in UTC. */
  readonly at: string;
  /** Who did it. */
  readonly actor?: string | undefined;
}

/** The tags of a flist, and what they stood for. */
export interface HubFlistHistory {
  /** Whose it is. */
  readonly user: string;
  /** Its name. */
  readonly name: string;
  /** By name. */
  readonly tags: readonly HubFlist[];
  /** The newest first. */
  readonly history: readonly HubFlistEvent[];
}
