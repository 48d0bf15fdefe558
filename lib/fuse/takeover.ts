/**
 * A mount that outlives its daemon.
 *
 * As long as any process has the mount's device open, the kernel keeps the mount: programs that ask
 * for something wait. So a *holder*, a shell that does nothing else, inherits the device. When the
 * daemon dies, another one takes copies of the holder's descriptors (pidfd_getfd(2), Linux 5.6) and
 * asks the kernel for all requests again that the dead one left unanswered (`notifyResend`, Linux
 * 6.9; before, those stay unanswered until their programs are killed, and only those).
 *
 * The new daemon skips INIT: nothing that was agreed on changes what replies look like. It must give
 * the same answers as the first, so it must be for the same image.
 *
 * Requests that were read from a descriptor are lost when its last copy is closed. So the holder has
 * to get every descriptor that threads read from.
 *
 * @module
 */

import { decodeByteString } from "../base/byte_string.ts";
import { UnsupportedError } from "../base/errors.ts";
import { EPERM, systemError } from "../linux/errno.ts";
import { errno, libc, SYS_PIDFD_GETFD, SYS_PIDFD_OPEN } from "../linux/libc.ts";
import { closeDescriptor, setInherited } from "./device_file.ts";

/** Name of the shell that holds a device, as `ps` shows it. */
const HOLDER_NAME = "myfs-mount-holder";
/** Seconds between its looks at mount and daemon. */
const LOOK_INTERVAL = 1;
/** How long programs wait for another daemon by default. */
const GRACE_SECONDS = 30;
/**
 * Ends when no mount of the file system ($1, as 0:45) is left, or the daemon (process $3 that started
 * at $4) has been dead for $5 seconds: programs that wait get an error then, and nothing hangs.
 * Signals from a terminal are for the daemon alone.
 */
const HOLDER_SCRIPT = `trap '' INT HUP QUIT
device=$1 daemon=$3 started=$4 grace=$5 left=$5
is_mounted() {
  while read -r _ _ number _; do
    if [ "$number" = "$device" ]; then return 0; fi
  done < /proc/self/mountinfo
  return 1
}
is_alive() {
  read -r status < "/proc/$daemon/stat" || return 1
  set -- \${status##*) }
  [ "\${20}" = "$started" ]
}
while is_mounted; do
  if is_alive 2> /dev/null; then left=$grace; else left=$((left - ${LOOK_INTERVAL})); fi
  [ "$left" -ge 0 ] || exit 0
  sleep ${LOOK_INTERVAL}
done`;

/** A process that keeps a mount. */
export interface Holder {
  readonly pid: number;
  /** The mount's device number, as `0:45`. */
  readonly device: string;
  /** Numbers of the descriptors in that process. */
  readonly descriptors: readonly number[];
}

/**
 * Starts a holder for the mount of this process. It ends by itself soon after the mount is gone, or
 * when this process has been dead for `graceSeconds` and nobody took over ({@link stopHolder} ends it
 * before).
 *
 * @param device The mount's device number, as `0:45`.
 * @param descriptors All descriptors of the mount that threads read from.
 */
export function startHolder(
  device: string,
  descriptors: readonly number[],
  graceSeconds = GRACE_SECONDS,
): Holder {
  for (const fd of descriptors) setInherited(fd, true);
  try {
    const process = new Deno.Command("/bin/sh", {
      args: [
        "-c",
        HOLDER_SCRIPT,
        HOLDER_NAME,
        device,
        descriptors.join(","),
        String(Deno.pid),
        startTime(Deno.pid),
        String(graceSeconds),
      ],
      cwd: "/",
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    process.unref();
    return { pid: process.pid, device, descriptors };
  } finally {
    for (const fd of descriptors) setInherited(fd, false);
  }
}

/** Ends a holder, after a takeover or when its mount is gone. Without effect when it has ended. */
export function stopHolder(holder: Holder): void {
  try {
    // The shell leads a group of its own, with the program in it that waits.
    Deno.kill(-holder.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** When a process started, in the kernel's unit: with the number, it names a process for good. */
function startTime(pid: number): string {
  const status = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name in front may hold anything; it ends with the last parenthesis.
  return status.slice(status.lastIndexOf(")") + 2).split(" ")[19]!;
}

/** The holder of the mount with that device number; undefined where there is none. */
export async function findHolder(device: string): Promise<Holder | undefined> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    let command: string[];
    try {
      command = decodeByteString(await Deno.readFile(`/proc/${name}/cmdline`)).split("\0");
    } catch {
      // It ended meanwhile.
      continue;
    }
    const at = command.indexOf(HOLDER_NAME);
    if (at < 0 || command[at - 1] !== HOLDER_SCRIPT || command[at + 1] !== device) continue;
    const descriptors = (command[at + 2] ?? "").split(",").map(Number);
    if (descriptors.every(Number.isInteger)) return { pid: Number(name), device, descriptors };
  }
  return undefined;
}

/**
 * Copies of a holder's descriptors, which the caller closes.
 *
 * @throws {UnsupportedError} where the kernel does not let one process have another's.
 * @throws {SystemError} when the holder has ended.
 */
export function takeDescriptors(holder: Holder): number[] {
  const pidFd = libc().pidfd_open(SYS_PIDFD_OPEN, holder.pid, 0);
  if (pidFd < 0) throw systemError("find the process", String(holder.pid));
  const taken: number[] = [];
  try {
    for (const fd of holder.descriptors) {
      const copy = libc().pidfd_getfd(SYS_PIDFD_GETFD, pidFd, fd, 0);
      if (copy < 0) {
        const number = errno();
        if (number !== EPERM) {
          throw systemError("take over the device of the process", String(holder.pid), number);
        }
        throw new UnsupportedError(
          "Cannot take over the mount: this system does not let a process have another's files",
          { hint: "Do it as root, or set kernel.yama.ptrace_scope to 0." },
        );
      }
      taken.push(copy);
    }
  } catch (error) {
    taken.forEach(closeDescriptor);
    throw error;
  } finally {
    closeDescriptor(pidFd);
  }
  return taken;
}
