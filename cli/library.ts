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

/** Has what answers the kernel loaded on a thread of its own, while this one loads all else. */
export async function prepareMount(): Promise<void> {
  const { DeviceThread }: typeof import("../lib/mount/device_thread.ts") = await import(
    new URL("../lib/mount/device_thread.ts", import.meta.url).href
  );
  DeviceThread.prepare();
}
