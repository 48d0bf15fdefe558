/**
 * A slow network without a slow network: a TCP proxy on loopback that holds back every byte for a
 * while, each way, and changes nothing else.
 *
 * @module
 */

import type { ProxyMessage, ProxyTask } from "./delaying_proxy_worker.ts";

/** What the proxy adds. */
export interface DelayingProxyOptions {
  /** How long every byte is on its way in each direction, in milliseconds: half the round trip. */
  readonly latencyMs: number;
}

/** A proxy under way; it ends, and cuts its connections, at the end of the scope. */
export interface DelayingProxy extends AsyncDisposable {
  /** The port on 127.0.0.1 at which the server is now to be found. */
  readonly port: number;
}

/**
 * Starts a proxy in front of `port` of 127.0.0.1. It limits no bandwidth: bytes that come later may
 * be under way together. It keeps their order, and the end of each direction. A new connection costs
 * a round trip before its first byte sets out, as the handshake does on a network.
 *
 * It runs in a thread of its own, so that a busy test does not add to the latency.
 */
export async function delayingProxy(
  port: number,
  options: DelayingProxyOptions,
): Promise<DelayingProxy> {
  const worker = new Worker(new URL("delaying_proxy_worker.ts", import.meta.url), {
    type: "module",
  });
  const answer = (): Promise<ProxyMessage> =>
    new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  const tell = async (task: ProxyTask): Promise<ProxyMessage> => {
    const answered = answer();
    worker.postMessage(task);
    return await answered;
  };
  const listening = await tell({ kind: "start", port, latencyMs: options.latencyMs });
  return {
    port: listening.port,
    [Symbol.asyncDispose]: async () => {
      await tell({ kind: "stop" });
      worker.terminate();
    },
  };
}
