/**
 * Mounts of ours in the kernel's own table, `/proc/self/mountinfo`: whoever made them, and whether
 * their daemons live or not.
 *
 * @module
 */

import { decodeByteString } from "../base/byte_string.ts";
import { FILE_SYSTEM_TYPE } from "./kernel_device.ts";

/** A mount of any kind, in the kernel's table. */
export interface TableEntry {
  /** Number of the mount, unique while it exists. */
  readonly id: number;
  /** Number of the mount that it is on. */
  readonly parentId: number;
  /** Device number, as `0:45`: the same for all mounts of one file system. */
  readonly device: string;
  /** Directory it is on, a byte string. */
  readonly target: string;
  /** Options of this mount: `ro`, `nosuid`, `nodev`, … */
  readonly options: readonly string[];
  /** Kind of file system. */
  readonly type: string;
  /** What is mounted, as whoever mounted it called it; a byte string. */
  readonly source: string;
  /** Options of the file system, as the kernel has them: with its escapes, divided by commas. */
  readonly superOptions: string;
}

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

/** All mounts that this process can see. */
export async function readMountTable(): Promise<TableEntry[]> {
  return parseMountTable(await Deno.readFile(MOUNT_INFO));
}

/** The mounts in the text of `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)). */
export function parseMountTable(text: Uint8Array): TableEntry[] {
  const entries: TableEntry[] = [];
  for (const line of decodeByteString(text).split("\n")) {
    const fields = line.split(" ");
    // Any number of optional fields stands before the dash.
    const dash = fields.indexOf("-", 6);
    if (dash < 0) continue;
    entries.push({
      id: Number(fields[0]),
      parentId: Number(fields[1]),
      device: fields[2]!,
      target: unescapeTable(fields[4]!),
      options: fields[5]!.split(","),
      type: fields[dash + 1]!,
      source: unescapeTable(fields[dash + 2]!),
      superOptions: fields[dash + 3] ?? "",
    });
  }
  return entries;
}

/** The mounts of ours in such a text. */
export function parseMountInfo(text: Uint8Array): MountEntry[] {
  return parseMountTable(text)
    .filter(({ type }) => type === FILE_SYSTEM_TYPE)
    .map(({ id, target, source, device, options, superOptions }) => {
      const settings = superOptions.split(",");
      const userId = settings.find((option) => option.startsWith("user_id="));
      return {
        id,
        target,
        source,
        device,
        connection: connectionNumber(device),
        userId: Number(userId?.slice("user_id=".length) ?? 0),
        allowsOthers: settings.includes("allow_other"),
        options,
      };
    });
}

/** The kernel numbers connections by the device number as it keeps it: 12 bits and 20 bits. */
function connectionNumber(device: string): number {
  const [major = 0, minor = 0] = device.split(":").map(Number);
  return major * 0x10_0000 + minor;
}

/** Undoes the kernel's escapes: space, tab, newline, backslash and `#` come as `\` and octal digits. */
export function unescapeTable(field: string): string {
  return field.replace(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}
