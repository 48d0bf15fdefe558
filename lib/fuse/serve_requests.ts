/**
 * The loop of a device thread: wait for a request, answer it, wait for the next.
 *
 * The wait is a blocking read. Nothing is faster, and nothing else runs on the thread meanwhile: no
 * timer, no promise, no message. What has to wait for anything else is for other threads.
 *
 * @module
 */

import { EAGAIN, ECONNABORTED, EINTR, EIO, ENODEV, ENOENT, systemError } from "../linux/errno.ts";
import { errno, libc } from "../linux/libc.ts";
import { FUSE_DEVICE, writeToDevice } from "./device_file.ts";
import { type Dispatcher, REQUEST_SIZE_MAX } from "./dispatcher.ts";

/** Why a loop ended: the mount is gone, it was aborted, or the loop was told to. */
export type ServeEnd = "unmounted" | "aborted" | "stopped";

/** How to serve. */
export interface ServeOptions {
  /**
   * Asked after each request; true ends the loop. A thread that waits for a request does not notice
   * before one comes, so whoever wants an end makes one (`statfs` of the mount is never cached).
   */
  readonly shouldStop?: () => boolean;
  /** Called with each request before it is answered, as bytes that are valid during the call. */
  readonly onRequest?: (request: Uint8Array) => void;
  /** Called with each reply before it is sent, likewise. */
  readonly onReply?: (reply: Uint8Array) => void;
}

/**
 * Answers requests from the device `fd` until the mount is gone. Blocks the thread.
 *
 * @throws {SystemError} when the device cannot be read for any other reason.
 */
export function serveRequests(
  fd: number,
  dispatcher: Dispatcher,
  options: ServeOptions = {},
): ServeEnd {
  const { read } = libc();
  const { request, reply } = dispatcher;
  const { shouldStop, onRequest, onReply } = options;
  while (true) {
    const length = read(fd, request, REQUEST_SIZE_MAX);
    if (length < 0) {
      const number = errno();
      // A request that was taken back before it was read, or a signal to the process.
      if (number === ENOENT || number === EINTR || number === EAGAIN) continue;
      if (number === ENODEV) return "unmounted";
      if (number === ECONNABORTED) return "aborted";
      throw systemError("read", FUSE_DEVICE, number);
    }
    // The end of what is no device: a socket to another transport, or to a test.
    if (length === 0) return "unmounted";
    onRequest?.(request.subarray(0, length));
    let size = dispatcher.dispatch(length);
    if (size > 0) {
      onReply?.(reply.subarray(0, size));
      let outcome = writeToDevice(fd, reply, size);
      if (outcome === "refused") {
        // Whoever asked must not wait for ever because of a reply that makes no sense.
        size = dispatcher.fail(EIO);
        onReply?.(reply.subarray(0, size));
        outcome = writeToDevice(fd, reply, size);
      }
      // The next read tells why.
    }
    if (shouldStop?.() === true) return "stopped";
  }
}
