/**
 * A way to a server on this machine that can be shut and opened again, under the same address: for
 * tests of what happens while a server is away.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";

/** See the module. */
export class Gate implements AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  port = 0;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(target: number) {
    this.#target = target;
  }

  /** An open gate to a port of 127.0.0.1. */
  static async to(target: number): Promise<Gate> {
    const gate = new Gate(target);
    await gate.open();
    return gate;
  }

  /** Lets connections through. */
  async open(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(this.#target, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          near.destroy();
          far.destroy();
          this.#sockets.delete(socket);
        });
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as { readonly port: number }).port;
    this.#server = server;
  }

  /** Ends all connections, and refuses new ones. */
  async shut(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shut();
  }
}
