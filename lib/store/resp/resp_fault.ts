/**
 * What it means when a server refuses a request.
 *
 * @module
 */

import { type MyfsError, StoreDeniedError, StoreUnavailableError } from "../../base/errors.ts";
import type { RespAddress } from "./resp_address.ts";
import type { RespError } from "./resp_reply.ts";

/** What follows from an error of the server. */
interface Meaning {
  /** Whether it is about who asks. */
  readonly denied?: boolean;
  /** Whether the same request may succeed later. */
  readonly retryable?: boolean;
  /** What the user can do. */
  readonly hint?: string;
}

/** Longest text of a server that is shown, in characters. */
const SHOWN_LENGTH_MAX = 200;

/** Errors of Redis by their first word, and of 0-db by their text (zdbd/commands*.c). */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/^NOAUTH\b/, {
    denied: true,
    hint: "Name the password in the URL: redis://user:password@host, or redis://:password@host.",
  }],
  [/^(WRONGPASS\b|ERR invalid password)/, { denied: true, hint: "Check the password." }],
  [/^ERR AUTH .*without any password/, {
    denied: true,
    hint: "The server has no password: leave it out of the URL.",
  }],
  [/^NOPERM\b/, {
    denied: true,
    hint: "Allow the user PING, SELECT, GET, SET, EXISTS, DEL and SCAN on all keys.",
  }],
  [/^DENIED\b/, {
    denied: true,
    hint: "Give the server a password, or have it listen on the loopback address alone.",
  }],
  [/^READONLY\b/, {
    denied: true,
    hint: "This is a replica that takes no writes: name its primary server.",
  }],
  [/^(LOADING|MASTERDOWN|TRYAGAIN|BUSY|CLUSTERDOWN)\b|^ERR max number of clients/, {
    retryable: true,
    hint: "Try again when the server is ready.",
  }],
  [/^OOM\b/, { hint: "Give the server more memory (maxmemory), or name another one." }],
  [/^MISCONF\b/, { hint: "The server cannot write to its disk: its log says why." }],
  [/^(MOVED|ASK|CROSSSLOT)\b/, {
    hint: "This is a cluster: name a single server, or a proxy that speaks for the cluster.",
  }],
  [/^ERR DB index/, { hint: "Name a database that the server has, usually 0 to 15." }],
  [/^Access denied/, { denied: true, hint: "Check the password of the namespace." }],
  [/^Namespace protected and private/, {
    denied: true,
    hint: "Name the password in the URL: zdb://:password@host/namespace.",
  }],
  [/^Namespace is in read-only mode/, {
    denied: true,
    hint: "Who does not give the password may only read: zdb://:password@host/namespace.",
  }],
  [/worm mode/, { denied: true, hint: "In this namespace nothing is replaced or deleted." }],
  [/^Permission denied/, { denied: true }],
  [/^Namespace not found/, {
    hint: "Check the name, or have the administrator make the namespace (NSNEW).",
  }],
  [/^Your active namespace is not available/, { hint: "The namespace was removed." }],
  [/^Namespace is temporarily|^Cannot (write|delete)\b/, {
    retryable: true,
    hint: "Try again later; the log of the server says why.",
  }],
  [/^No space left/, { hint: "Have the limit of the namespace raised (NSSET maxsize)." }],
  [/^Invalid key, only update authorized/, {
    hint: "The namespace makes its own keys: name one in the mode userkey.",
  }],
  [/^Command not supported/, {
    hint: "A 0-db is named with zdb://, not redis://; an old one may lack the command.",
  }],
  [/^ERR (unknown command|invalid DB index|value is not an integer|wrong number of arguments)/i, {
    hint: "This seems to be Redis or Valkey, not 0-db: write redis:// in place of zdb://.",
  }],
];

/**
 * The error for a request that the server refused.
 *
 * @param task What could not be done, to follow "Cannot", such as `read block 12ab…`.
 */
export function respFault(address: RespAddress, task: string, { text }: RespError): MyfsError {
  const [, meaning] = MEANINGS.find(([pattern]) => pattern.test(text)) ??
    [undefined, {} as Meaning];
  const { url } = address;
  const message = `Cannot ${task}: ${url} says: ${shown(address, text)}`;
  const options = meaning.hint === undefined ? {} : { hint: meaning.hint };
  if (meaning.denied === true) return new StoreDeniedError(url, message, options);
  return new StoreUnavailableError(url, message, {
    ...options,
    retryable: meaning.retryable ?? false,
  });
}

/** What a server said, for people to read: it may be hostile, and repeat what it was told. */
function shown({ password }: RespAddress, text: string): string {
  const safe = password === "" ? text : text.replaceAll(password, "***");
  // deno-lint-ignore no-control-regex -- these are what is taken out
  const plain = safe.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return plain.length > SHOWN_LENGTH_MAX ? `${plain.slice(0, SHOWN_LENGTH_MAX)}…` : plain;
}
