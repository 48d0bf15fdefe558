/**
 * What the kernel offers for mounts outside the protocol: how far it reads ahead, and a way to end a
 * mount whose daemon does not answer. Root only.
 *
 * @module
 */

/**
 * Makes the kernel read further ahead than its usual 128 KiB: a large file is read twice as fast
 * with 1 MiB.
 *
 * @param device The mount's device number, as `0:45`.
 * @returns Whether it worked: not for an ordinary user, nor where `/sys` is read only.
 */
export async function setReadAhead(device: string, sizeKib: number): Promise<boolean> {
  try {
    await Deno.writeTextFile(`/sys/class/bdi/${device}/read_ahead_kb`, String(sizeKib), {
      create: false,
    });
    return true;
  } catch {
    // It is a help, not a need.
    return false;
  }
}

/**
 * Ends a mount by force: all that wait for it get an error at once, and nothing answers any more.
 *
 * @param connection The mount's number in `/sys/fs/fuse/connections` (`MountEntry.connection`).
 * @returns Whether it worked: not where fusectl is not mounted, nor for others than its owner.
 */
export async function abortConnection(connection: number): Promise<boolean> {
  try {
    const path = `/sys/fs/fuse/connections/${connection}/abort`;
    await Deno.writeTextFile(path, "1", { create: false });
    return true;
  } catch {
    return false;
  }
}
