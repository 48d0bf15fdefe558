/**
 * Mounting and unmounting as an ordinary user, by `fusermount3`.
 *
 * The program opens the device, mounts, and sends the open device back through a socket that it
 * inherits.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { displayByteString } from "../base/byte_string.ts";
import { MountError } from "../base/errors.ts";
import { systemError } from "../linux/errno.ts";
import { libc, O_CLOEXEC } from "../linux/libc.ts";
import { closeDescriptor, setInherited } from "./device_file.ts";
import type { MountOptions } from "./kernel_device.ts";

/** Its names: that of libfuse 3, and that of version 2, which speaks the same. */
const HELPERS = ["fusermount3", "fusermount"];
/** How it learns the number of its end of the socket. */
const SOCKET_VARIABLE = "_FUSE_COMMFD";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
/** Of `struct msghdr` and `struct cmsghdr` on 64-bit Linux. */
const MESSAGE_HEADER_SIZE = 56;
const CONTROL_SIZE = 24;

/**
 * Mounts on `target`, as `mountDevice` does.
 *
 * @returns The open device.
 * @throws {MountError} when the program is missing or refuses, with its reason.
 */
export async function mountThroughHelper(target: string, options: MountOptions): Promise<number> {
  const [ours, theirs] = socketPair();
  try {
    const mountOptions = [
      "ro",
      "nosuid",
      "nodev",
      "default_permissions",
      "subtype=myfs",
      `fsname=${escapeOption(options.source)}`,
      ...(options.allowOther === true ? ["allow_other"] : []),
    ].join(",");
    setInherited(theirs, true);
    const { success, message } = await runHelper(["-o", mountOptions, "--", target], {
      [SOCKET_VARIABLE]: String(theirs),
    });
    if (!success) {
      const reason = message || "fusermount3 gave no reason";
      throw new MountError(displayByteString(target), reason, hintFor(reason));
    }
    const fd = receiveDescriptor(ours);
    if (fd === undefined) {
      throw new MountError(displayByteString(target), "fusermount3 did not pass on the device");
    }
    return fd;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MountError(displayByteString(target), "fusermount3 is not installed", {
      cause: error,
      hint: "Install it (apt-get install fuse3), or mount as root.",
    });
  } finally {
    closeDescriptor(ours);
    closeDescriptor(theirs);
  }
}

/**
 * Removes the mount of an ordinary user.
 *
 * @param lazy Whether it goes even while programs use it; they keep what they have open.
 * @returns undefined, or the reason why not.
 * @throws {Deno.errors.NotFound} when the program is missing.
 */
export async function unmountThroughHelper(
  target: string,
  lazy: boolean,
): Promise<string | undefined> {
  const { success, message } = await runHelper(["-u", ...(lazy ? ["-z"] : []), "--", target], {});
  return success ? undefined : message;
}

async function runHelper(
  args: string[],
  env: Record<string, string>,
): Promise<{ success: boolean; message: string }> {
  let missing: unknown;
  for (const helper of HELPERS) {
    try {
      const { success, stderr } = await new Deno.Command(helper, {
        args,
        env: { ...env, LC_ALL: "C" },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).output();
      // It begins with the program's own name.
      const message = new TextDecoder().decode(stderr).trim().replace(/^\S*fusermount3?: /, "");
      return { success, message };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      missing = error;
    }
  }
  throw missing;
}

/** What `reason` is called elsewhere, and what to do about it. */
function hintFor(reason: string): { readonly errno?: string; readonly hint?: string } {
  if (reason.includes("user_allow_other")) {
    return {
      errno: "EPERM",
      hint: "Ask root to put the line user_allow_other into /etc/fuse.conf, or mount without " +
        "letting other users in.",
    };
  }
  if (reason.includes("/dev/fuse")) {
    return {
      errno: "EACCES",
      hint: "Ask root to let users open it (chmod 666 /dev/fuse), or to load the kernel module " +
        "(modprobe fuse).",
    };
  }
  if (reason.includes("no write access")) {
    return { errno: "EACCES", hint: "Mount on a directory that is your own." };
  }
  return {};
}

/** Commas end an option, and a backslash makes the next character plain. */
function escapeOption(text: string): string {
  return text.replace(/[\\,]/g, "\\$&");
}

function socketPair(): [number, number] {
  const ends = new Int32Array(2);
  const bytes = new Uint8Array(ends.buffer);
  if (libc().socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, bytes) < 0) {
    throw systemError("make", "a pair of sockets");
  }
  return [ends[0]!, ends[1]!];
}

/** The descriptor that came through the socket; undefined when none did. */
function receiveDescriptor(socket: number): number | undefined {
  const data: Bytes = new Uint8Array(1);
  const control: Bytes = new Uint8Array(CONTROL_SIZE);
  const vector = new BigUint64Array([address(data), BigInt(data.length)]);
  const vectorBytes = new Uint8Array(vector.buffer);
  const header = new BigUint64Array(MESSAGE_HEADER_SIZE / 8);
  header[2] = address(vectorBytes);
  header[3] = 1n;
  header[4] = address(control);
  header[5] = BigInt(CONTROL_SIZE);
  const received = libc().recvmsg(
    socket,
    new Uint8Array(header.buffer),
    MSG_DONTWAIT | MSG_CMSG_CLOEXEC,
  );
  const view = new DataView(control.buffer);
  const isDescriptor = received > 0 && header[5]! >= 20n &&
    view.getInt32(8, true) === SOL_SOCKET && view.getInt32(12, true) === SCM_RIGHTS;
  return isDescriptor ? view.getInt32(16, true) : undefined;
}

function address(bytes: Bytes): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
