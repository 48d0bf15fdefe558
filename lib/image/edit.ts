/**
 * Edits the tags and routes of a flist.
 *
 * @module
 */

import { FlistEditor } from "../flist/flist_editor.ts";
import { isOwnFlist, rememberOwnFlist } from "./own_flists.ts";

/** How to edit. */
export interface EditFlistOptions {
  /** Folder in which packs on this machine leave marks: an edited flist of one's own stays so. */
  readonly stateFolder?: string;
}

/**
 * Edits the flist `meta` in one step: others see it as it was, or with all that `edit` did. When
 * `edit` throws, nothing changes.
 *
 * @throws {FlistFormatError} when it is no flist.
 *
 * @example
 * ```ts
 * import { editFlist, inspectImage, packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * const meta = `${folder}/empty.fl`;
 * await Deno.mkdir(`${folder}/tree`);
 * await packDirectory(`${folder}/tree`, { meta, store: `dir://${folder}/blocks` });
 * await editFlist(meta, (flist) => flist.setTag("author", "me"));
 * console.assert((await inspectImage(meta)).tags.author === "me");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function editFlist(
  meta: string,
  edit: (editor: FlistEditor) => void,
  options: EditFlistOptions = {},
): Promise<void> {
  using editor = FlistEditor.open(meta);
  const isOwn = await isOwnFlist(meta, options.stateFolder);
  edit(editor);
  editor.finish();
  if (isOwn) await rememberOwnFlist(meta, options.stateFolder);
}
