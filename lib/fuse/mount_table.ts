/**
 * Mounts of ours in the kernel's own table, `/proc/self/mountinfo`: whoever made them, and whether
 * their daemons live or not.
 *
 * @module
 */

import { decodeByteString } from "../base/byte_string.ts";
import { FILE_SYSTEM_TYPE } from "./kernel_device.ts";

/** One mount. */
export interface MountEntry {
  /** Number of the mount, unique while it exists. */
  readonly id: number;
  /** Directory it is on, a byte string. */
  readonly target: string;
  /** What is mounted, as whoever mounted it called it; a byte string. */
  readonly source: string;
  /** Device number, as `0:45`: the same for all mounts of one file system. */
  readonly device: string;
  /** Number under which `/sys/fs/fuse/connections` has it. */
  readonly connection: number;
  /** The user who mounted it. */
  readonly userId: number;
  /** Whether other users may look into it. */
  readonly allowsOthers: boolean;
  /** Options of this mount: `ro`, `nosuid`, `nodev`, … */
  readonly options: readonly string[];
}

const MOUNT_INFO = "/proc/self/mountinfo";

/** All mounts of ours that this process can see, in the order they were made. */
export async function listMounts(): Promise<MountEntry[]> {
  return parseMountInfo(await Deno.readFile(MOUNT_INFO));
}

/** The mount that programs see on `target` (an absolute path without links), the topmost of several. */
export async function findMount(target: string): Promise<MountEntry | undefined> {
  return (await listMounts()).findLast((mount) => mount.target === target);
}

/** The mounts of ours in the text of `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)). */
export function parseMountInfo(text: Uint8Array): MountEntry[] {
  const mounts: MountEntry[] = [];
  for (const line of decodeByteString(text).split("\n")) {
    const fields = line.split(" ");
    // Any number of optional fields stands before the dash.
    const dash = fields.indexOf("-", 6);
    if (dash < 0 || fields[dash + 1] !== FILE_SYSTEM_TYPE) continue;
    const superOptions = (fields[dash + 3] ?? "").split(",");
    const device = fields[2]!;
    mounts.push({
      id: Number(fields[0]),
      target: unescape(fields[4]!),
      source: unescape(fields[dash + 2]!),
      device,
      connection: connectionNumber(device),
      userId: Number(
        superOptions.find((option) => option.startsWith("user_id="))?.slice("user_id=".length) ?? 0,
      ),
      allowsOthers: superOptions.includes("allow_other"),
      options: fields[5]!.split(","),
    });
  }
  return mounts;
}

/** The kernel numbers connections by the device number as it keeps it: 12 bits and 20 bits. */
function connectionNumber(device: string): number {
  const [major = 0, minor = 0] = device.split(":").map(Number);
  return major * 0x10_0000 + minor;
}

/** Undoes the kernel's escapes: space, tab, newline, backslash and `#` come as `\` and octal digits. */
function unescape(field: string): string {
  return field.replace(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}
