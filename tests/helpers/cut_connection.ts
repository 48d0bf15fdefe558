/**
 * Cuts a mount off from who serves it, as an administrator can.
 *
 * @module
 */

import { abortConnection } from "../../lib/fuse/kernel_tuning.ts";
import { runProgram } from "./run_program.ts";

/** Aborts a connection of FUSE. The mount stays where it is. */
export async function cutConnection(connection: number): Promise<void> {
  if (await abortConnection(connection)) return;
  // Where nobody has mounted the control files, we do, for ourselves alone.
  const script = `mount -t fusectl fusectl /sys/fs/fuse/connections
    echo 1 > /sys/fs/fuse/connections/${connection}/abort`;
  await runProgram("unshare", "--mount", "sh", "-e", "-c", script);
}
