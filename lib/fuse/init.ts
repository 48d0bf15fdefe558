/**
 * The first request: kernel and file system agree on a version and on what they will do.
 *
 * @module
 */

import type { FileSystemFeatures } from "./file_system.ts";
import { decodeStruct, encodeStruct, INIT_IN, INIT_OUT } from "./wire_structs.ts";

/** The protocol's major version, which has never changed. */
const MAJOR = 7;
/** The newest minor version that this code knows (Linux 6.18). */
export const MINOR_MAX = 45;
/** The oldest that it talks to (Linux 5.4): since then open and opendir may be left out. */
export const MINOR_MIN = 31;

/** Flags of INIT. From 32 on they lie in the second word, `flags2`. */
export const INIT_FLAGS = {
  asyncRead: 0,
  bigWrites: 5,
  readDirectoryPlus: 13,
  readDirectoryPlusAuto: 14,
  noOpenSupport: 17,
  parallelDirectoryOperations: 18,
  posixAcl: 20,
  abortError: 21,
  maxPages: 22,
  cacheSymlinks: 23,
  noOpenDirectorySupport: 24,
  explicitInvalidation: 25,
  initExtension: 30,
  noExportSupport: 38,
  hasResend: 39,
} as const;

/** What always is asked for where the kernel offers it, and why. */
const WANTED: readonly (keyof typeof INIT_FLAGS)[] = [
  // Several reads of one file at once.
  "asyncRead",
  // Names and attributes in one request.
  "readDirectoryPlus",
  // The kernel need not ask for one name after the other in a directory.
  "parallelDirectoryOperations",
  // Reading the device says whether the mount was aborted or removed.
  "abortError",
  // Reads of more than 128 KiB.
  "maxPages",
  // Links do not change.
  "cacheSymlinks",
  // Nor do files: cached pages stay.
  "explicitInvalidation",
  // Opening and closing need no request.
  "noOpenSupport",
  "noOpenDirectorySupport",
  // Flags from 32 on.
  "initExtension",
  // Inodes are not found again from the number alone once the kernel has dropped them.
  "noExportSupport",
  // Requests that a dead daemon did not answer are asked again (`notify.ts`).
  "hasResend",
];

/** Largest read in one request: what fits in the reply buffer. */
export const READ_SIZE_MAX = 1024 * 1024;
const PAGE_SIZE = 4096;
/** The least that may be named; nothing is ever written. It decides how large the read buffer must be. */
const WRITE_SIZE_MAX = 4096;
/** The clock of times: one nanosecond. */
const TIME_GRANULARITY_NSEC = 1;
/**
 * How many reads ahead may be under way at once: a store over a network needs many. The kernel lets
 * an ordinary user have fewer if `max_user_bgreq` of its fuse module says so.
 */
const BACKGROUND_MAX = 64;
/** How many of them make the kernel call the device congested. */
const CONGESTION_THRESHOLD = 48;

/** What kernel and file system agreed on. */
export interface InitAgreement {
  readonly minor: number;
  /** Flags that both have. */
  readonly flags: readonly (keyof typeof INIT_FLAGS)[];
}

/** What INIT led to: an answer of `length` bytes, and an agreement, a reason why not, or neither. */
export interface InitOutcome {
  /** Bytes written. */
  readonly length: number;
  readonly agreement?: InitAgreement;
  /** Why this kernel cannot be talked to, as a sentence without its beginning. */
  readonly refusal?: string;
}

/**
 * Answers INIT.
 *
 * @param input The request without its header, at least up to `flags2`.
 * @param output Where the answer goes: the reply without its header.
 */
export function answerInit(
  input: Uint8Array,
  output: Uint8Array,
  features: FileSystemFeatures,
): InitOutcome {
  // Fields that this kernel's version does not have yet count as 0.
  const whole = new Uint8Array(INIT_IN.size);
  whole.set(input.subarray(0, INIT_IN.size));
  const offer = decodeStruct(INIT_IN, whole);
  if (offer.major > MAJOR) {
    // The kernel will ask again with the version that we name.
    encodeStruct(INIT_OUT, { major: MAJOR, minor: MINOR_MAX }, output);
    return { length: INIT_OUT.size };
  }
  if (offer.major < MAJOR || offer.minor < MINOR_MIN) {
    return {
      length: 0,
      refusal: `the kernel speaks version ${offer.major}.${offer.minor} of the FUSE protocol, ` +
        `and at least ${MAJOR}.${MINOR_MIN} is needed (Linux 5.4)`,
    };
  }
  const wanted = [...WANTED, ...(features.accessControlLists ? ["posixAcl"] as const : [])];
  const flags = wanted.filter((name) => hasFlag(offer.flags, offer.flags2, INIT_FLAGS[name]));
  const [low, high] = flagWords(flags);
  encodeStruct(INIT_OUT, {
    major: MAJOR,
    minor: MINOR_MAX,
    max_readahead: offer.max_readahead,
    flags: low,
    flags2: flags.includes("initExtension") ? high : 0,
    max_background: BACKGROUND_MAX,
    congestion_threshold: CONGESTION_THRESHOLD,
    max_write: WRITE_SIZE_MAX,
    time_gran: TIME_GRANULARITY_NSEC,
    max_pages: READ_SIZE_MAX / PAGE_SIZE,
  }, output);
  return {
    length: INIT_OUT.size,
    agreement: { minor: Math.min(offer.minor, MINOR_MAX), flags },
  };
}

function hasFlag(low: number, high: number, bit: number): boolean {
  return bit < 32 ? (low >>> bit & 1) === 1 : (high >>> (bit - 32) & 1) === 1;
}

function flagWords(flags: readonly (keyof typeof INIT_FLAGS)[]): [number, number] {
  let low = 0;
  let high = 0;
  for (const name of flags) {
    const bit = INIT_FLAGS[name];
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return [low >>> 0, high >>> 0];
}
