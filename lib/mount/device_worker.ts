/**
 * A device thread of a mount: waits for requests of the kernel and answers them, until the mount is
 * gone. It gets one message, and from then on hears nothing else.
 *
 * @module
 */

/// <reference lib="webworker" />

import { Dispatcher } from "../fuse/dispatcher.ts";
import { type ServeEnd, serveRequests } from "../fuse/serve_requests.ts";
import { openFlistCodec } from "../image/flist_codec.ts";
import { ChunkSource } from "./chunk_source.ts";
import { type DeviceWorkerMessage, type DeviceWorkerStart, faultOf } from "./device_messages.ts";
import { FlistFileSystem } from "./flist_file_system.ts";
import { MOUNT_COUNTER, MountCounters } from "./mount_counters.ts";
import { openSameFlist } from "./same_flist.ts";
import { SharedChunks } from "./shared_chunks.ts";

const tell = (message: DeviceWorkerMessage): void => self.postMessage(message);

function serve(start: DeviceWorkerStart): ServeEnd {
  using flist = openSameFlist(start.meta, start.stamp);
  const counters = new MountCounters(start.counters);
  const source = new ChunkSource({
    flist,
    codec: openFlistCodec(start.codec),
    chunks: new SharedChunks(start.chunks),
    counters,
    local: start.local,
    onUse: (chunk) => tell({ kind: "used", chunk }),
  });
  const fileSystem = new FlistFileSystem({
    flist,
    source,
    counters,
    onSequence: (ino) => tell({ kind: "sequence", ino }),
    lateReads: {
      later: (ino, offset, length, uniqueLow, uniqueHigh) =>
        tell({ kind: "read", read: { ino, offset, length, uniqueLow, uniqueHigh } }),
      interrupted: (uniqueLow, uniqueHigh) => tell({ kind: "interrupted", uniqueLow, uniqueHigh }),
    },
  });
  const dispatcher = new Dispatcher(fileSystem, {
    counts: start.requests,
    onFault: (error, request) => {
      counters.add(MOUNT_COUNTER.errors, 1);
      tell({ kind: "fault", request, fault: faultOf(error) });
    },
    onInit: ({ flags }) => tell({ kind: "agreed", resends: flags.includes("hasResend") }),
    onRefusal: (reason) => tell({ kind: "refused", reason }),
  });
  return serveRequests(start.fd, dispatcher);
}

self.onmessage = ({ data }: MessageEvent<DeviceWorkerStart>) => {
  try {
    // Told when nothing is open any more: the thread may be ended from then on.
    const end = serve(data);
    tell({ kind: "ended", end });
  } catch (error) {
    tell({ kind: "failed", fault: faultOf(error) });
  }
  self.close();
};

tell({ kind: "loaded" });
