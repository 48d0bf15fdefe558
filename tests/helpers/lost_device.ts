/**
 * A program whose threads lose the device of their mount: `deno run -A lost_device.ts <flist> <store>
 * <target>`. Prints as JSON how the mount ended, and what became of a program that waited.
 *
 * @module
 */

import { mountImage } from "../../lib/mount/mount_image.ts";

/** How the mount ended. */
export interface LostDeviceReport {
  readonly end: string;
  /** Milliseconds until then. */
  readonly tookMs: number;
  /** Errors of programs that asked for something. */
  readonly errors: readonly string[];
}

async function main([meta, store, target]: string[]): Promise<void> {
  const mount = await mountImage(meta!, target!, { store: store! });
  // Both threads wait for requests.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { symbols: { dup2, open } } = Deno.dlopen("libc.so.6", {
    dup2: { parameters: ["i32", "i32"], result: "i32" },
    open: { parameters: ["buffer", "i32"], result: "i32" },
  });
  // A directory in its place: neither reading nor writing will do.
  const directory = open(new TextEncoder().encode("/\0"), 0o200000);
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    const link = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
    if (link === "/dev/fuse") dup2(directory, Number(name));
  }
  const started = performance.now();
  const asked = ["x", "y", "z"].map((name) =>
    Deno.lstat(`${target}/${name}`).then(() => "none", (error: Error) => error.message)
  );
  const end = await mount.finished;
  const tookMs = performance.now() - started;
  const report: LostDeviceReport = { end, tookMs, errors: await Promise.all(asked) };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
}

if (import.meta.main) {
  await main(Deno.args);
  Deno.exit(0);
}
