/**
 * A device thread for tests: serves a {@link MemoryFileSystem} until the mount is gone.
 *
 * @module
 */

/// <reference lib="webworker" />

import { Dispatcher } from "../../lib/fuse/dispatcher.ts";
import { serveRequests } from "../../lib/fuse/serve_requests.ts";
import { MemoryFileSystem, type MemoryTree } from "./memory_file_system.ts";

/** What the thread is told. */
export interface FuseWorkerStart {
  readonly fd: number;
  /** Where requests are counted, in memory that is shared. */
  readonly counts: Uint32Array;
  readonly tree: MemoryTree;
  /** Whether reads of the file `slow` are left to the main thread. */
  readonly leavesSlowReads?: boolean;
}

/** What the thread tells. */
export type FuseWorkerMessage =
  | { readonly kind: "loaded" }
  | { readonly kind: "slow"; readonly uniqueLow: number; readonly uniqueHigh: number }
  | { readonly kind: "interrupted"; readonly uniqueLow: number; readonly uniqueHigh: number }
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "ended"; readonly end: string };

const say = (message: FuseWorkerMessage): void => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<FuseWorkerStart>) => {
  const fileSystem = new MemoryFileSystem(data.tree);
  if (data.leavesSlowReads === true) {
    fileSystem.onSlowRead = (uniqueLow, uniqueHigh) => say({ kind: "slow", uniqueLow, uniqueHigh });
  }
  fileSystem.interrupted = (uniqueLow, uniqueHigh) =>
    say({ kind: "interrupted", uniqueLow, uniqueHigh });
  const dispatcher = new Dispatcher(fileSystem, {
    counts: data.counts,
    onFault: (error) => say({ kind: "fault", message: String(error) }),
  });
  const end = serveRequests(data.fd, dispatcher);
  say({ kind: "ended", end });
  self.close();
};

say({ kind: "loaded" });
