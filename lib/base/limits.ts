/**
 * Bounds on what foreign data may ask of us. Each has a reason; formats keep their own constants
 * beside their format.
 *
 * @module
 */

/** Longest name of a directory entry in bytes (Linux NAME_MAX). */
export const NAME_LENGTH_MAX = 255;

/** Longest symbolic link target in bytes (Linux PATH_MAX less the final NUL). */
export const LINK_TARGET_LENGTH_MAX = 4095;

/** Largest file size that Linux can address, and that a JavaScript number holds exactly. */
export const FILE_SIZE_MAX = Number.MAX_SAFE_INTEGER;

/** Largest chunk that any profile may declare: what a reader must be ready to hold in memory. */
export const CHUNK_SIZE_MAX = 16 * 1024 * 1024;

/** Largest block: a chunk that did not compress, with the envelope of its encryption. */
export const BLOCK_SIZE_MAX = CHUNK_SIZE_MAX + 1024;

/** Longest name of an extended attribute in bytes (Linux XATTR_NAME_MAX). */
export const XATTR_NAME_LENGTH_MAX = 255;

/** Largest value of an extended attribute in bytes (Linux XATTR_SIZE_MAX). */
export const XATTR_VALUE_SIZE_MAX = 65536;

/** Deepest nesting of directories that is followed: beyond it a tree is hostile, not deep. */
export const TREE_DEPTH_MAX = 16384;
