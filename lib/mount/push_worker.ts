/**
 * A thread of a mount that gives the kernel content before it asks.
 *
 * @module
 */

import { serveTasks } from "../image/worker_pool.ts";
import { MountCounters } from "./mount_counters.ts";
import { NeighbourPusher } from "./neighbour_pusher.ts";
import { openSameFlist } from "./same_flist.ts";
import { SharedChunks } from "./shared_chunks.ts";

/** What the thread is told at the start. */
export interface PushSetup {
  /** The device, or any clone of it. */
  readonly fd: number;
  /** Absolute path of the flist. */
  readonly meta: string;
  /** What `flistStamp` says of it. */
  readonly stamp: string;
  /** Memory of `SharedChunks`. */
  readonly chunks: SharedArrayBuffer;
  /** Memory of `MountCounters`. */
  readonly counters: SharedArrayBuffer;
}

serveTasks<PushSetup, number, readonly number[]>(({ fd, meta, stamp, chunks, counters }) => {
  const flist = openSameFlist(meta, stamp);
  const pusher = new NeighbourPusher({
    flist,
    chunks: new SharedChunks(chunks),
    counters: new MountCounters(counters),
    fd,
  });
  return {
    handle: (ino) => ({ result: pusher.pushAfter(ino), transfer: [] }),
    close: () => flist[Symbol.dispose](),
  };
});
