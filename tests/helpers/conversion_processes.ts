/**
 * The processes in which a hub converts images.
 *
 * @module
 */

/** Ids of those that convert for a hub whose data lie in `folder`. */
export async function conversionProcesses(folder: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // They end whenever they like.
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (!command.includes("conversion_process.ts")) continue;
    const files = await Array.fromAsync(Deno.readDir(`/proc/${name}/fd`)).catch(() => []);
    for (const file of files) {
      const target = await Deno.readLink(`/proc/${name}/fd/${file.name}`).catch(() => "");
      if (!target.startsWith(folder)) continue;
      found.push(Number(name));
      break;
    }
  }
  return found;
}
