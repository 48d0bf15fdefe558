/**
 * The tables of jobs, as Kysely sees them.
 *
 * @module
 */

/** A conversion of an image. Who asks its registry is in no column. */
export interface JobTable {
  readonly id: string;
  readonly owner: string;
  /** As it was asked for. */
  readonly image: string;
  /** Of the flist that it makes. */
  readonly name: string;
  readonly tag: string;
  readonly profile: string;
  /** null: the one of the hub's machine. */
  readonly platform: string | null;
  /** null: as the tag has it. */
  readonly visibility: string | null;
  /** 1 where there may be such a flist. */
  readonly replaces: number;
  /** Where the flist says that its blocks are. */
  readonly route: string;
  /** 1 where it needs credentials, which one process alone has, in memory. */
  readonly has_credentials: number;
  readonly state: string;
  /** The process that works at it, or has its credentials. */
  readonly runner: string | null;
  /** Until when that process is taken for alive. */
  readonly lease_until: string | null;
  /** How often it was started. */
  readonly attempt: number;
  /** How often its process ended, since somebody asked for it. */
  readonly interruptions: number;
  /** Number of its newest event. */
  readonly last_event: number;
  /** JSON. */
  readonly progress: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  /** Of the flist that it made. */
  readonly digest: string | null;
  readonly created_at: string;
  readonly queued_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

/** Something that happened in a job. Of its progress, the newest event alone is kept. */
export interface JobEventTable {
  readonly job: string;
  /** From 1. */
  readonly number: number;
  readonly at: string;
  readonly kind: string;
  /** JSON. */
  readonly data: string;
}

/** A block that a job stored for its owner. */
export interface JobBlockTable {
  readonly job: string;
  readonly block: string;
}

/** All of them by name. */
export interface JobTables {
  readonly job: JobTable;
  readonly job_event: JobEventTable;
  readonly job_block: JobBlockTable;
}
