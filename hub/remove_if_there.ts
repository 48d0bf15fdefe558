/**
 * Removing what somebody else may have removed already.
 *
 * @module
 */

/** Removes a file, or a folder with what is in it where `recursive`; nothing is wrong if it is gone. */
export async function removeIfThere(path: string, options?: Deno.RemoveOptions): Promise<void> {
  await Deno.remove(path, options).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
