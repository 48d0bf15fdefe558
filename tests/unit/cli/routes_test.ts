/**
 * Which routes a spec on the command line stands for.
 */

import assert from "node:assert/strict";
import { redactRoutes, routesLike } from "../../../cli/routes.ts";

const routes = [
  { start: 0, end: 127, url: "dir:///a" },
  { start: 128, end: 255, url: "dir:///a" },
  { start: 0, end: 255, url: "zdb://:secret@host:9900/x" },
];

Deno.test("routes: a URL stands for its routes of every range, a range for one", () => {
  assert.deepEqual(routesLike(routes, "dir:///a"), routes.slice(0, 2));
  assert.deepEqual(routesLike(routes, "80-ff=dir:///a"), routes.slice(1, 2));
  assert.deepEqual(routesLike(routes, "80-fe=dir:///a"), []);
  assert.deepEqual(routesLike(routes, "dir:///b"), []);
});

Deno.test("routes: are found as they are shown, without their secret, and with it", () => {
  const shown = redactRoutes(routes)[2]!.url;
  assert.doesNotMatch(shown, /secret/);
  assert.deepEqual(routesLike(routes, shown), routes.slice(2));
  assert.deepEqual(routesLike(routes, "zdb://:secret@host:9900/x"), routes.slice(2));
});
