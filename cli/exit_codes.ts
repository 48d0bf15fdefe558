/**
 * Exit codes: what a script may rely on. `cli/README.md` documents them; a code never changes its
 * meaning.
 *
 * @module
 */

/** What each exit code means. */
export const EXIT_CODE = {
  /** All was done. */
  ok: 0,
  /** Nothing was done, for a reason that no other code names. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Some parts failed, and each was named; the others were done. */
  partly: 3,
  /** A file, a flist, a path in an image or a block does not exist. */
  missing: 10,
  /** A block or a flist is damaged, or of a format that this version does not know. */
  corrupt: 11,
  /** Permission, credentials or trust are lacking. */
  denied: 12,
  /** Ended by SIGHUP: 128 + 1. */
  hangup: 129,
  /** Ended by Ctrl-C (SIGINT): 128 + 2. */
  interrupted: 130,
  /** Ended by SIGTERM: 128 + 15. */
  terminated: 143,
} as const;

/** One of the exit codes that myfs ends with. */
export type ExitCode = typeof EXIT_CODE[keyof typeof EXIT_CODE];

/** Exit codes by an error's stable code; what is not here is {@link EXIT_CODE.failed}. */
const EXIT_CODE_BY_ERROR: Readonly<Record<string, ExitCode>> = {
  block_not_found: EXIT_CODE.missing,
  flist_not_found: EXIT_CODE.missing,
  path_not_found: EXIT_CODE.missing,
  image_not_found: EXIT_CODE.missing,
  block_corrupt: EXIT_CODE.corrupt,
  flist_format: EXIT_CODE.corrupt,
  image_format: EXIT_CODE.corrupt,
  archive_format: EXIT_CODE.corrupt,
  store_denied: EXIT_CODE.denied,
  registry_denied: EXIT_CODE.denied,
  untrusted_route: EXIT_CODE.denied,
  untrusted_base: EXIT_CODE.denied,
  unsafe_path: EXIT_CODE.denied,
  partial_failure: EXIT_CODE.partly,
  missing: EXIT_CODE.missing,
  usage: EXIT_CODE.usage,
};

/** Exit codes by the POSIX name of an operating system's refusal. */
const EXIT_CODE_BY_ERRNO: Readonly<Record<string, ExitCode>> = {
  ENOENT: EXIT_CODE.missing,
  EACCES: EXIT_CODE.denied,
  EPERM: EXIT_CODE.denied,
  EROFS: EXIT_CODE.denied,
};

/** The signals that end a command in good order, and the exit codes that say so. */
export const EXIT_CODE_BY_SIGNAL = {
  SIGINT: EXIT_CODE.interrupted,
  SIGTERM: EXIT_CODE.terminated,
  SIGHUP: EXIT_CODE.hangup,
} as const;

/** A signal that ends a command in good order. */
export type EndingSignal = keyof typeof EXIT_CODE_BY_SIGNAL;

/**
 * The exit code for anything thrown. Looks at the error's own fields instead of its class, so that
 * the library need not be loaded for it.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof Error)) return EXIT_CODE.failed;
  // Wrong arguments, as the library reports them.
  if (error instanceof SyntaxError || error instanceof RangeError) return EXIT_CODE.usage;
  const { code, errno, status } = error as {
    readonly code?: unknown;
    readonly errno?: unknown;
    readonly status?: unknown;
  };
  // What a hub does not have.
  if (code === "hub" && status === 404) return EXIT_CODE.missing;
  const byErrno = EXIT_CODE_BY_ERRNO[String(errno ?? code)];
  return byErrno ?? EXIT_CODE_BY_ERROR[String(code)] ?? EXIT_CODE.failed;
}
