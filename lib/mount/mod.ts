/**
 * The part of the public API that `myfs mount` needs. It loads in less than half the time of all of
 * it, and a mount has to be there at once.
 *
 * @module
 */

export { FlistReader } from "../flist/flist_reader.ts";
export { openBlockCache } from "../store/block_cache.ts";
export { parseStoreSpec } from "../store/store_url.ts";
export { mountImage } from "./mount_image.ts";
export { mountedFlist } from "./mounts.ts";
