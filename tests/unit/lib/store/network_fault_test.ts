/**
 * Goal: a failed connection is told in words, with what to do. Method: real failures on loopback, and
 * the names of those that cannot be had there.
 */

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { networkFault } from "../../../../lib/store/network_fault.ts";

/** What a request fails with. */
function failure(send: typeof http.get, port: number, host = "127.0.0.1"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    send({ host, port, agent: false }, () => reject(new Error("It was answered")))
      .on("error", resolve);
  });
}

/** A server that treats each connection as told, for the time of a call. */
async function withServer(
  serve: (socket: net.Socket) => void,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await run((server.address() as net.AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

Deno.test("networkFault: nobody listens", async () => {
  let port = 0;
  await withServer(() => {}, (used) => Promise.resolve(void (port = used)));
  const { reason, hint, retryable } = networkFault(await failure(http.get, port));
  assert.equal(reason, "nothing accepts connections there (ECONNREFUSED)");
  assert.match(hint, /server runs/);
  assert.equal(retryable, true);
});

Deno.test("networkFault: no such host", async () => {
  const { reason, retryable } = networkFault(await failure(http.get, 1, "x.invalid"));
  assert.match(reason, /no host of that name \(ENOTFOUND\)|cannot be looked up now \(EAI_AGAIN\)/);
  assert.equal(retryable, reason.includes("EAI_AGAIN"));
});

Deno.test("networkFault: the connection is closed without an answer", async () => {
  await withServer((socket) => void socket.on("data", () => socket.destroy()), async (port) => {
    const { reason, retryable } = networkFault(await failure(http.get, port));
    assert.match(reason, /the server closed the connection \(E[A-Z]+\)/);
    assert.equal(retryable, true);
  });
});

Deno.test("networkFault: what comes is not HTTP", async () => {
  await withServer((socket) => void socket.end("SSH-2.0-x\r\n"), async (port) => {
    const { reason, hint, retryable } = networkFault(await failure(http.get, port));
    assert.match(reason, /not HTTP \(HPE_/);
    assert.match(hint, /with TLS/);
    assert.equal(retryable, false);
  });
});

Deno.test("networkFault: TLS where there is none", async () => {
  await withServer(
    (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    async (port) => {
      const { reason, retryable } = networkFault(await failure(https.get, port));
      assert.match(reason, /does not speak TLS/);
      assert.equal(retryable, false);
    },
  );
});

Deno.test("networkFault: names are found in causes and in failures of several addresses", () => {
  const error = (code: string): Error => Object.assign(new Error("x"), { code });
  assert.match(networkFault(new Error("x", { cause: error("EPIPE") })).reason, /EPIPE/);
  assert.match(networkFault(new AggregateError([error("EHOSTUNREACH")])).reason, /EHOSTUNREACH/);
  const expired = networkFault(error("CERT_HAS_EXPIRED"));
  assert.match(expired.reason, /has expired/);
  assert.equal(expired.retryable, false);
  assert.equal(networkFault(error("CERT_REVOKED")).retryable, false);
});

Deno.test("networkFault: nothing of an unknown error's text is told", () => {
  for (const error of [new Error("s3cr3t"), "s3cr3t", undefined, { code: "s3cr3t" }]) {
    const fault = networkFault(error);
    assert.equal(fault.retryable, true);
    assert.ok(!JSON.stringify(fault).includes("s3cr3t"));
  }
  const odd = Object.assign(new Error("x"), { code: "s3cr3t" });
  assert.ok(!JSON.stringify(networkFault(odd)).includes("s3cr3t"));
});
