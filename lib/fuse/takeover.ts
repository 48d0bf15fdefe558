/**
 * A mount that outlives its daemon.
 *
 * As long as any process has the mount's device open, the kernel keeps the mount: programs that ask
 * for something wait. So a *holder*, a shell that does nothing else, inherits the device. When the
 * daemon dies, the holder starts another one, which inherits the device from it; or one that is
 * started elsewhere takes copies of the holder's descriptors (pidfd_getfd(2), Linux 5.6). The new
 * daemon asks the kernel for all requests again that the dead one left unanswered (`notifyResend`,
 * Linux 6.9; before, those stay unanswered until their programs are killed, and only those).
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
/** How long programs wait for another daemon by default. */
const GRACE_SECONDS = 30;
/** How often in a row a daemon is started that does not live for {@link PROVEN_SECONDS}. */
const STARTS_MAX = 5;
/** How long a daemon lives that is not to blame for the end of the next one. */
const PROVEN_SECONDS = 60;
/**
 * Sleeps in the kernel until the daemon has died, which closes the other end of its standard input.
 * Then, while there is a mount of the file system ($1, as 0:45), it starts the command after $4, where
 * there is one, and again when that dies; and else it waits for $3 seconds: programs that wait get an
 * error then, and nothing hangs. Signals from a terminal are for the daemon alone.
 */
const HOLDER_SCRIPT = `trap '' INT HUP QUIT
device=$1 left=$3 starts=0
shift 4
is_mounted() {
  while read -r _ _ number _; do
    if [ "$number" = "$device" ]; then return 0; fi
  done < /proc/self/mountinfo
  return 1
}
read -r _
while is_mounted; do
  if [ $# -gt 0 ] && [ "$starts" -lt ${STARTS_MAX} ]; then
    read -r began _ < /proc/uptime
    "$@" < /dev/null
    read -r ended _ < /proc/uptime
    if [ $((\${ended%.*} - \${began%.*})) -ge ${PROVEN_SECONDS} ]; then starts=0; fi
    starts=$((starts + 1))
    if [ "$starts" -eq 1 ]; then continue; fi
  else
    if [ "$left" -le 0 ]; then exit 0; fi
    left=$((left - 1))
  fi
  sleep 1
done`;

/** A process that keeps a mount. */
export interface Holder {
  readonly pid: number;
  /** The mount's device number, as `0:45`. */
  readonly device: string;
  /** Numbers of the descriptors in that process. */
  readonly descriptors: readonly number[];
  /** What whoever started it wrote on it, for whoever takes over. */
  readonly label: string;
}

/** What a holder does. */
export interface HolderOptions {
  /** How long programs wait for another daemon, in seconds, once nobody is started any more. */
  readonly graceSeconds?: number;
  /** The program, with its arguments, that takes the mount over. @default nobody is started */
  readonly command?: readonly string[];
  /** Text for whoever takes over. All users can see it. */
  readonly label?: string;
}

/**
 * The holders of this process's mounts. What they wait for is the end of our side of a pipe, which
 * must not be collected as garbage while we live.
 */
const started = new Map<number, Deno.ChildProcess>();

/**
 * Starts a holder for the mount of this process. It ends by itself soon after the mount and this
 * process are gone, or when this process has been dead for a time and nobody took over
 * ({@link stopHolder} ends it before).
 *
 * @param device The mount's device number, as `0:45`.
 * @param descriptors All descriptors of the mount that threads read from.
 */
export function startHolder(
  device: string,
  descriptors: readonly number[],
  { graceSeconds = GRACE_SECONDS, command = [], label = "" }: HolderOptions = {},
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
        String(graceSeconds),
        label,
        ...command,
      ],
      // What it starts may have been given paths that are relative.
      ...(command.length === 0 ? { cwd: "/" } : {}),
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    process.unref();
    started.set(process.pid, process);
    return { pid: process.pid, device, descriptors, label };
  } finally {
    for (const fd of descriptors) setInherited(fd, false);
  }
}

/**
 * Ends a holder and what it started, after a takeover or when its mount is gone: the kernel gives the
 * device's number to another mount, which is none of its business. Of the one that started this
 * process, the shell alone ends. Without effect when it has ended.
 */
export async function stopHolder(holder: Holder): Promise<void> {
  try {
    // The shell leads a group of its own, with the program in it that waits, or with this process.
    Deno.kill(isStartedBy(holder) ? holder.pid : -holder.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
  const process = started.get(holder.pid);
  if (process === undefined) return;
  started.delete(holder.pid);
  process.ref();
  await process.stdin.close().catch(() => {});
  await process.status;
}

/**
 * The holder of the mount with that device number that is this user's: another user's would hand over
 * what it likes. undefined where there is none.
 */
export async function findHolder(device: string): Promise<Holder | undefined> {
  const userId = libc().geteuid();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    let command: string[];
    try {
      command = decodeByteString(await Deno.readFile(`/proc/${name}/cmdline`)).split("\0");
      if (command[2] !== HOLDER_SCRIPT || (await Deno.stat(`/proc/${name}`)).uid !== userId) {
        continue;
      }
    } catch {
      // It ended meanwhile.
      continue;
    }
    const [holderName, heldDevice, numbers = "", _graceSeconds, label = ""] = command.slice(3);
    if (holderName !== HOLDER_NAME || heldDevice !== device) continue;
    const descriptors = numbers.split(",").map(Number);
    if (descriptors.every(Number.isInteger)) {
      return { pid: Number(name), device, descriptors, label };
    }
  }
  return undefined;
}

/** Whether this process was started by the holder, and so has its descriptors already. */
export function isStartedBy(holder: Holder): boolean {
  return Deno.ppid === holder.pid;
}

/**
 * A holder's descriptors, which the caller closes: those that this process inherited where the holder
 * started it, else copies.
 *
 * @throws {UnsupportedError} where the kernel does not let one process have another's.
 * @throws {SystemError} when the holder has ended.
 */
export function takeDescriptors(holder: Holder): number[] {
  if (isStartedBy(holder)) {
    for (const fd of holder.descriptors) setInherited(fd, false);
    return [...holder.descriptors];
  }
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
