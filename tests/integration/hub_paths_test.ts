/**
 * Goal: no path leads to what is not the API's: files of the machine, of the hub's folder, or faults
 * of the hub. Method: every path of the table, with tricks in the place of each parameter, sent as they
 * are, which no client would do; the hub lies beside files that must not come.
 */

import assert from "node:assert/strict";
import { HUB_ENDPOINTS, type HubEndpoint } from "../../lib/hub_api/endpoints.ts";
import { HubServer } from "../helpers/hub_server.ts";
import { sendRaw } from "../helpers/raw_connection.ts";

const CANARY = "canary-0123456789";

/** What stands where a digest or a name should. */
const TRICKS = [
  "%2Fetc%2Fpasswd",
  "..%2f..%2fserver.toml",
  "..%2Fhub.sqlite",
  "%2e%2e%2f%2e%2e%2fserver.toml",
  "..%5c..%5cserver.toml",
  "....%2F%2Fserver.toml",
  "%252e%252e%252fserver.toml",
  "%c0%ae%c0%ae%c0%afserver.toml",
  "%00",
  "server.toml%00.fl",
  "%0d%0aX-Injected:%20yes",
  "%ff",
  "%",
  "%zz",
  "*",
  "%20",
  "file:%2f%2f%2fetc%2fpasswd",
  "a".repeat(6000),
  "%E2%80%AE",
];

/** What is taken for parts of the path itself, by whatever reads URLs. */
const DOTS = ["..", ".", "%2e%2e", ".%2E"];

/** Paths beside those of the table. */
const PAGES = ["/flists/{user}/{file}", "/flists/{user}/", "/swagger-ui/{file}", "/{path}"];

Deno.test("hub paths: tricks in any parameter are refused, and show nothing", async () => {
  await using hub = await HubServer.start(`# ${CANARY}\nlog_requests = false`);
  const { access_token: token } = await hub.signIn("alice");
  await Deno.writeTextFile(hub.folder.file("data/flists/secret.fl"), CANARY);
  const port = Number(new URL(hub.url).port);
  const endpoints = [
    ...Object.values<HubEndpoint>(HUB_ENDPOINTS).map(({ method, path }) => ({ method, path })),
    ...PAGES.map((path) => ({ method: "get", path })),
  ].filter(({ path }) => path.includes("{"));
  const requests = endpoints.flatMap(({ method, path }) => {
    const places = path.match(/\{\w+\}/g)!;
    return [...TRICKS, ...DOTS].flatMap((trick) =>
      places.map((place) => {
        const tricked = path.replace(place, trick).replaceAll(/\{\w+\}/g, "x");
        return { method: method.toUpperCase(), path: tricked, isDots: DOTS.includes(trick) };
      })
    );
  });
  const wrong: string[] = [];
  const send = async (
    { method, path, isDots }: { method: string; path: string; isDots: boolean },
  ): Promise<void> => {
    const { text, status } = await sendRaw({
      port,
      pieces: [
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
        `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
        "Content-Length: 2\r\n\r\n{}",
      ],
    });
    const isRefused = status !== undefined && status >= 400 && status < 500;
    // Two dots may lead to another request of the API, which answers as it always does.
    const isElsewhere = isDots && status !== undefined && status < 400;
    const shows = [CANARY, "root:", "SQLite format", "[[users]]", hub.folder.path, "\r\nX-Injected"]
      .filter((hidden) => text.includes(hidden));
    if (!(isRefused || isElsewhere) || shows.length > 0) {
      wrong.push(`${method} ${path.slice(0, 100)}: ${status} ${shows.join()}`);
    }
  };
  const waiting = [...requests];
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let next; (next = waiting.pop()) !== undefined;) await send(next);
  }));
  assert.ok(requests.length > 500, String(requests.length));
  assert.deepEqual(wrong, []);
  const errors = hub.log.filter((line) => JSON.parse(line).level === "error");
  assert.deepEqual(errors, []);
});

Deno.test("hub paths: pages of other origins may ask with a token of their own, and with no cookie", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const origin = "https://elsewhere.example";
  for (const path of ["/api/v1/me", "/api/v1/signin", `/api/v1/file/${"0".repeat(64)}`]) {
    const preflight = await hub.send("OPTIONS", path, {
      headers: {
        origin,
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "authorization",
      },
    });
    await preflight.body?.cancel();
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    assert.match(preflight.headers.get("access-control-allow-headers")!, /authorization/);
    assert.equal(preflight.headers.get("access-control-allow-credentials"), null);
  }
  const answer = await hub.send("GET", "/api/v1/me", { token, headers: { origin } });
  assert.equal((await answer.json()).user, "bob");
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.equal(answer.headers.get("access-control-allow-credentials"), null);
  assert.equal(answer.headers.get("set-cookie"), null);
  // A cookie is nobody's token.
  const cookie = await hub.send("GET", "/api/v1/me", { headers: { cookie: `token=${token}` } });
  await cookie.body?.cancel();
  assert.equal(cookie.status, 401);
});
