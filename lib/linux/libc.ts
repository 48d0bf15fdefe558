/**
 * The calls into the C library that myfs needs and Deno does not offer: exact names, nanoseconds,
 * extended attributes, device nodes, positions relative to an open directory. All foreign calls of
 * the file system side go through this one table.
 *
 * Importing this needs no permission and works where there is no such library: only using it fails.
 *
 * @module
 */

import { UnsupportedError } from "../base/errors.ts";

const SYMBOLS = {
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  fsync: { parameters: ["i32"], result: "i32" },
  syncfs: { parameters: ["i32"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "i32" },
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  mknodat: { parameters: ["i32", "buffer", "u32", "u64"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  renameat: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  lgetxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "i32" },
  lsetxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  listxattrat: {
    // syscall(2), because the C library has no name for it yet: number, directory, path, flags, …
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "u32", "buffer", "usize"],
    result: "i32",
  },
  statvfs: { parameters: ["buffer", "buffer"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  // Likewise: number, process, flags; and number, descriptor of a process, its descriptor, flags.
  pidfd_open: { name: "syscall", parameters: ["i64", "i32", "u32"], result: "i32" },
  pidfd_getfd: { name: "syscall", parameters: ["i64", "i32", "i32", "u32"], result: "i32" },
  getegid: { parameters: [], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type Symbols = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/** 64-bit parameters also take plain numbers, which Deno passes on exactly up to 2⁵³. */
type AcceptingNumbers<Parameters extends unknown[]> = {
  [Index in keyof Parameters]: Parameters[Index] extends bigint ? number | bigint
    : Parameters[Index];
};

/** The functions of the C library, called as C would: negative results mean {@link errno}. */
export type Libc = {
  readonly [Name in keyof Symbols]: Symbols[Name] extends
    (...parameters: infer Parameters) => infer Result
    ? (...parameters: AcceptingNumbers<Parameters>) => Result
    : never;
};

let opened: Libc | undefined;
let errnoView: Deno.UnsafePointerView | undefined;

/**
 * The C library of this system.
 *
 * @throws {UnsupportedError} where the system is not Linux with glibc 2.30 or newer.
 */
export function libc(): Libc {
  if (opened !== undefined) return opened;
  if (Deno.build.os !== "linux") {
    throw new UnsupportedError(
      `Cannot read or write file trees exactly on ${Deno.build.os}: myfs needs Linux`,
    );
  }
  let symbols: Libc;
  try {
    symbols = Deno.dlopen("libc.so.6", SYMBOLS).symbols as Libc;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new UnsupportedError("Cannot open the C library libc.so.6: myfs needs glibc 2.30", {
      cause,
    });
  }
  // Each thread has its own errno, at an address that never changes.
  errnoView = new Deno.UnsafePointerView(symbols.__errno_location()!);
  opened = symbols;
  return symbols;
}

// Where it is allowed, now: `deno test` counts a library that is opened inside a test and not closed
// as a leak of that test, and this one stays open for good.
if (
  Deno.build.os === "linux" && Deno.permissions.querySync({ name: "ffi" }).state === "granted"
) {
  try {
    libc();
  } catch {
    // Whoever needs it will be told.
  }
}

/** Number of the error of this thread's last failed call. Read it before anything else is done. */
export function errno(): number {
  return errnoView?.getInt32(0) ?? 0;
}

/** Flags and constants of the calls above, where Linux defines them (asm-generic, arm64 differs). */
const isArm64 = Deno.build.arch === "aarch64";

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_DIRECTORY = isArm64 ? 0o40000 : 0o200000;
export const O_NOFOLLOW = isArm64 ? 0o100000 : 0o400000;
export const O_NOATIME = 0o1000000;
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;
/** Number of listxattrat(2), the same on every architecture (Linux 6.13). */
export const SYS_LISTXATTRAT = 465;
/** Numbers of pidfd_open(2) (Linux 5.3) and pidfd_getfd(2) (5.6), likewise. */
export const SYS_PIDFD_OPEN = 434;
export const SYS_PIDFD_GETFD = 438;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;
