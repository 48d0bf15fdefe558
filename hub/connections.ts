/**
 * The connections of a server: which of them work at a request, and which may be ended.
 *
 * @module
 */

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type HubProblemCode, PROBLEM_MEDIA_TYPE } from "../lib/hub_api/problem.ts";

/** What the server's parser refuses, as a client is told. */
interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly code: HubProblemCode;
  readonly title: string;
}

const NO_REQUEST: Refusal = {
  status: 400,
  reason: "Bad Request",
  code: "bad_request",
  title: "The request cannot be read",
};

/** By the code of the parser's error. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: "Request Header Fields Too Large",
    code: "header_too_large",
    title: "The header is too large",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: "Request Timeout",
    code: "request_timeout",
    title: "The request came too slowly",
  },
};

/** How long a client may go on sending after it was refused, in milliseconds. */
const LAST_READ_MS = 500;

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
  /** The last answer of each connection. */
  readonly #answers = new Map<Socket, ServerResponse>();
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
    server.on("request", ({ socket }, response) => this.#answers.set(socket, response));
    server.on("clientError", (error, socket) => this.#refuse(error, socket as Socket));
    // Whoever takes nothing of an answer, or waits for the next request, may be let go; what is still
    // worked at may take its time.
    server.setTimeout(idleMs, (socket) => {
      if (!this.#isWorking(socket) || socket.writableLength > 0) socket.destroy();
    });
  }

  /** Whether a request of it is worked at. Looked up when it matters, as requests are many. */
  #isWorking(socket: Socket): boolean {
    const answer = this.#answers.get(socket);
    return answer !== undefined && !answer.writableFinished && !answer.destroyed;
  }

  /** Tells a client that sent no request of HTTP, or none in time, as far as it can be told. */
  #refuse(error: Error & { readonly code?: string }, socket: Socket): void {
    const isAnswered = this.#isWorking(socket) && this.#answers.get(socket)!.headersSent;
    if (!socket.writable || isAnswered || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const { status, reason, code, title } = REFUSALS[error.code ?? ""] ?? NO_REQUEST;
    const body = JSON.stringify({ type: "about:blank", title, status, code });
    socket.end(
      `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    // Ended at once, with more coming in, it would be reset before the client has read the answer.
    const timer = setTimeout(() => socket.destroy(), LAST_READ_MS);
    socket.once("close", () => clearTimeout(timer));
  }

  /** Takes no more of them, and waits as long as it may for those that are busy. */
  async end(drainMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#destroy((socket) => !this.#isWorking(socket));
    const timer = setTimeout(() => this.#destroy(() => true), drainMs);
    await promise;
    clearTimeout(timer);
  }

  #add(socket: Socket): void {
    this.#open.add(socket);
    socket.on("close", () => {
      this.#open.delete(socket);
      this.#answers.delete(socket);
    });
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
