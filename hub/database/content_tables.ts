/**
 * The tables of blocks, files, uploads and flists, as Kysely sees them.
 *
 * @module
 */

/** What a user's blocks, files and flists take: changed in the transaction that changes them. */
export interface UsageTable {
  readonly owner: string;
  readonly bytes: number;
  readonly objects: number;
}

/** A block that the store has, or had a moment ago. */
export interface BlockTable {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly downloads: number;
  readonly created_at: string;
  /** Since when nothing refers to it; null while something does. */
  readonly garbage_since: string | null;
  /** 1 while it is being removed from the store. */
  readonly leaving: number;
}

/** That a user has a block: it counts against their quota once, whatever they use it for. */
export interface BlockOwnerTable {
  readonly owner: string;
  readonly block: string;
  /** 1 where it was uploaded as a block, 0 where only files or uploads of the owner have it. */
  readonly direct: number;
}

/** A file of a user, whose blocks are all there. */
export interface FileTable {
  readonly owner: string;
  /** SHA-256 of the content. */
  readonly hash: string;
  readonly size: number | null;
  readonly name: string | null;
  readonly created_at: string;
}

/**
 * A block of a file of one user. Where there is no row of the file, an rfs client claims that the
 * blocks are a file's; whether they are is checked when it is read.
 */
export interface FileBlockTable {
  readonly owner: string;
  readonly file: string;
  readonly idx: number;
  readonly block: string;
}

/** An upload in parts. */
export interface UploadTable {
  readonly id: string;
  readonly owner: string;
  readonly kind: string;
  readonly size: number;
  readonly part_size: number;
  readonly block_size: number;
  readonly sha256: string | null;
  readonly name: string | null;
  readonly visibility: string | null;
  readonly created_at: string;
  readonly expires_at: string;
}

/** A block of an upload, by its place in the file. */
export interface UploadBlockTable {
  readonly upload: string;
  readonly idx: number;
  readonly block: string;
}

/** A flist by its SHA-256. */
export interface FlistTable {
  readonly digest: string;
  readonly size: number;
  /** JSON: the answer to a request to inspect it. */
  readonly summary: string;
  readonly created_at: string;
}

/** A flist under a name and a tag. */
export interface FlistTagTable {
  readonly owner: string;
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
  readonly size: number;
  readonly visibility: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** That a tag came to stand for a flist, or for none. */
export interface FlistEventTable {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly tag: string;
  readonly digest: string | null;
  readonly size: number | null;
  readonly visibility: string;
  readonly at: string;
  readonly actor: string;
}

/** A block of the hub that a flist of the hub refers to. */
export interface FlistBlockTable {
  readonly flist: string;
  /** Who published the flist, and could name the block. */
  readonly owner: string;
  readonly block: string;
}

/** All of them by name. */
export interface ContentTables {
  readonly usage: UsageTable;
  readonly block: BlockTable;
  readonly block_owner: BlockOwnerTable;
  readonly file: FileTable;
  readonly file_block: FileBlockTable;
  readonly upload: UploadTable;
  readonly upload_block: UploadBlockTable;
  readonly flist: FlistTable;
  readonly flist_tag: FlistTagTable;
  readonly flist_event: FlistEventTable;
  readonly flist_block: FlistBlockTable;
}
