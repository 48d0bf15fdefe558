/**
 * Facts that long work reports while it goes on. Terminals and machines render them; the library
 * prints nothing.
 *
 * @module
 */

/** What the work is doing. */
export type ProgressPhase = "scan" | "store" | "read" | "write" | "finish";

/** One report: totals so far, not differences. */
export interface ProgressEvent {
  /** What the work is doing now. */
  readonly phase: ProgressPhase;
  /** Entries of the tree dealt with in this phase. */
  readonly entries: number;
  /** Entries in all, once it is known. */
  readonly entriesTotal?: number;
  /** Bytes of file content dealt with in this phase. */
  readonly bytes: number;
  /** Bytes of file content in all, once it is known. */
  readonly bytesTotal?: number;
}

/** Called often with the newest report; synchronous, and what it throws stops the work. */
export type ProgressListener = (event: ProgressEvent) => void;
