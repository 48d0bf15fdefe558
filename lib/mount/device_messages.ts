/**
 * What the main thread of a mount and its device threads tell each other: plain data.
 *
 * @module
 */

import type { FlistCodecSetup } from "../image/flist_codec.ts";
import type { LocalPlacement } from "../store/store.ts";

/** What a device thread is told at the start, and nothing after. */
export interface DeviceWorkerStart {
  /** The thread's own descriptor of the device. */
  readonly fd: number;
  /** Absolute path of the flist. */
  readonly meta: string;
  /** What `flistStamp` says of it. */
  readonly stamp: string;
  readonly codec: FlistCodecSetup;
  /** Where the blocks are on this machine; undefined where the main thread fetches them. */
  readonly local: LocalPlacement | undefined;
  /** Memory of `SharedChunks`. */
  readonly chunks: SharedArrayBuffer;
  /** Memory of `MountCounters`. */
  readonly counters: SharedArrayBuffer;
  /** Requests by number. */
  readonly requests: Uint32Array;
}

/** A read whose answer the main thread owes. */
export interface LateRead {
  readonly ino: number;
  /** First byte within the file. */
  readonly offset: number;
  /** How many bytes, all of them within the file. */
  readonly length: number;
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
}

/** An error as plain data. */
export interface MountFault {
  /** The library's stable name of the error, where it is one of the library's. */
  readonly code?: string;
  /** One sentence without a final period. */
  readonly message: string;
}

/** `error` as plain data. */
export function faultOf(error: unknown): MountFault {
  const { message, code } = error instanceof Error
    ? error as Error & { readonly code?: unknown }
    : { message: String(error), code: undefined };
  return { ...(typeof code === "string" ? { code } : {}), message };
}

/** What a device thread tells. */
export type DeviceWorkerMessage =
  /** Its module is there. */
  | { readonly kind: "loaded" }
  | { readonly kind: "read"; readonly read: LateRead }
  /** The files that follow this one are likely to be read next. */
  | { readonly kind: "sequence"; readonly ino: number }
  /** A chunk that the main thread fetched is of use. */
  | { readonly kind: "used"; readonly chunk: number }
  | { readonly kind: "interrupted"; readonly uniqueLow: number; readonly uniqueHigh: number }
  /** A request failed with EIO. */
  | { readonly kind: "fault"; readonly request: string; readonly fault: MountFault }
  /** Kernel and thread agreed; `resends`: whether the kernel asks anew what was left unanswered. */
  | { readonly kind: "agreed"; readonly resends: boolean }
  /** The kernel is too old. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "ended"; readonly end: "unmounted" | "aborted" | "stopped" }
  /** The thread cannot go on. */
  | { readonly kind: "failed"; readonly fault: MountFault };
