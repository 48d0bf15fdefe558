/**
 * The connections of a server: which of them work at a request, and which may be ended.
 *
 * @module
 */

import type { Server } from "node:http";
import type { Socket } from "node:net";

/** How to keep connections. */
export interface ConnectionsOptions {
  /** Whether the server speaks TLS. */
  readonly isTls: boolean;
  /** How long a client may take nothing of its answer, in milliseconds. */
  readonly idleMs: number;
}

/** Keeps the connections of one server. */
export class Connections {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #working = new Set<Socket>();
  /** Connections without their TLS yet, by the other end. */
  readonly #beginning = new Map<string, Socket>();

  /** Starts with a server that has none yet. */
  constructor(server: Server, { isTls, idleMs }: ConnectionsOptions) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      if (!isTls) return this.#add(socket);
      socket.on("error", () => {});
      const end = otherEnd(socket);
      this.#beginning.set(end, socket);
      socket.once("close", () => this.#beginning.delete(end));
    });
    server.on("secureConnection", (socket: Socket) => {
      this.#beginning.delete(otherEnd(socket));
      this.#add(socket);
    });
    server.on("request", ({ socket }, response) => {
      this.#working.add(socket);
      response.once("close", () => this.#working.delete(socket));
    });
    // Whoever takes nothing of an answer, or waits for the next request, may be let go; what is still
    // worked at may take its time.
    server.setTimeout(idleMs, (socket) => {
      if (!this.#working.has(socket) || socket.writableLength > 0) socket.destroy();
    });
  }

  /** Takes no more of them, and waits as long as it may for those that are busy. */
  async end(drainMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#destroy((socket) => !this.#working.has(socket));
    const timer = setTimeout(() => this.#destroy(() => true), drainMs);
    await promise;
    clearTimeout(timer);
  }

  #add(socket: Socket): void {
    this.#open.add(socket);
    socket.on("close", () => this.#open.delete(socket));
    socket.on("error", () => {});
  }

  #destroy(isMeant: (socket: Socket) => boolean): void {
    for (const socket of [...this.#open, ...this.#beginning.values()]) {
      if (isMeant(socket)) socket.destroy();
    }
  }
}

function otherEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
