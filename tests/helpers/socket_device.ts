/**
 * A pair of sockets in the place of `/dev/fuse`: one side is served, the other plays the kernel.
 *
 * @module
 */

import type { Bytes } from "../../lib/base/bytes.ts";
import { libc } from "../../lib/linux/libc.ts";

const AF_UNIX = 1;
/** Keeps messages apart, as the device does. */
const SOCK_SEQPACKET = 5;
const MESSAGE_SIZE_MAX = 128 * 1024;

/** Two ends; both are closed at the end of the scope. */
export class SocketDevice implements Disposable {
  /** The descriptor for those who would have the device. */
  readonly fd: number;
  readonly #kernel: number;
  #isOpen = true;

  constructor() {
    const ends = new Int32Array(2);
    const bytes = new Uint8Array(ends.buffer);
    if (libc().socketpair(AF_UNIX, SOCK_SEQPACKET, 0, bytes) !== 0) {
      throw new Error("Cannot make a pair of sockets");
    }
    [this.fd, this.#kernel] = [ends[0]!, ends[1]!];
  }

  /** Sends a request. */
  send(request: Bytes): void {
    libc().write(this.#kernel, request, request.length);
  }

  /** Waits for a message from the other side. */
  receive(): Bytes {
    const bytes: Bytes = new Uint8Array(MESSAGE_SIZE_MAX);
    return bytes.slice(0, libc().read(this.#kernel, bytes, bytes.length));
  }

  /** Plays the end of the mount. */
  hangUp(): void {
    if (this.#isOpen) libc().close(this.#kernel);
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.hangUp();
    libc().close(this.fd);
  }
}
