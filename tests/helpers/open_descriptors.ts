/**
 * Files that this process holds open.
 *
 * @module
 */

/** How many descriptors open below `root` this process has. Needs `/proc`. */
export function openDescriptors(root: string): number {
  const real = Deno.realPathSync(root);
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(real)) count++;
    } catch {
      // The descriptor that the listing itself used.
    }
  }
  return count;
}
