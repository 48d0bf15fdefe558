/**
 * All endpoints of what a hub keeps.
 *
 * @module
 */

import type { Content } from "../content/content.ts";
import type { HubApp, Notes } from "../context.ts";
import { registerBlockEndpoints } from "./blocks.ts";
import { registerBlockStreamEndpoints } from "./block_streams.ts";
import { registerFileEndpoints } from "./files.ts";
import { registerFlistEndpoints } from "./flists.ts";
import { registerFlistTreeEndpoints } from "./flist_tree.ts";
import { registerRfsListingEndpoints } from "./rfs_listing.ts";
import { registerUploadEndpoints } from "./uploads.ts";

/** Registers the endpoints of blocks, files, uploads and flists. */
export function registerContentEndpoints(app: HubApp, content: Content, notes: Notes): void {
  registerBlockEndpoints(app, content, notes);
  registerBlockStreamEndpoints(app, content, notes);
  registerFileEndpoints(app, content, notes);
  registerUploadEndpoints(app, content, notes);
  registerFlistEndpoints(app, content, notes);
  registerFlistTreeEndpoints(app, content);
  registerRfsListingEndpoints(app, content, notes);
}
