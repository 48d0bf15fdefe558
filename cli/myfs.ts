/**
 * The `myfs` program: loads as much of itself as its arguments need. A mount has to be there at once,
 * so that one in the background is started before anything else is looked at.
 *
 * @module
 */

import { prepareMount } from "./library.ts";
import { startDaemon, startsDaemon, startsMount } from "./mount_daemon.ts";

if (import.meta.main) {
  if (startsDaemon(Deno.args)) Deno.exit(await startDaemon());
  if (startsMount(Deno.args)) await prepareMount();
  // What an import names in plain sight would be read at once.
  if (Deno.args[0] === "mount") {
    const program: typeof import("./mount_program.ts") = await import(
      new URL("./mount_program.ts", import.meta.url).href
    );
    await program.runMyfsMount();
  }
  const program: typeof import("./myfs_program.ts") = await import(
    new URL("./myfs_program.ts", import.meta.url).href
  );
  await program.runMyfs();
}
