/**
 * The library, loaded when a command needs it. An `import()` with its name in plain sight would have
 * it read at the start, where the runtime looks for what a program might load: that takes 20 ms.
 *
 * @module
 */

/** The public API. */
export async function library(): Promise<typeof import("myfs")> {
  return await import(new URL("../mod.ts", import.meta.url).href);
}

/** The part of the public API that mounts need: it loads in less than half the time. */
export async function mountLibrary(): Promise<typeof import("../lib/mount/mod.ts")> {
  return await import(new URL("../lib/mount/mod.ts", import.meta.url).href);
}
