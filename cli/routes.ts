/**
 * Routes of a flist as a command line shows and names them. Loads the library: import it when a
 * command runs.
 *
 * @module
 */

import { parseStoreSpec, redactUrl, type Route } from "myfs";

/** `routes` without secrets, for people to read. */
export function redactRoutes(routes: readonly Route[]): Route[] {
  return routes.map((route) => ({ ...route, url: redactUrl(route.url) }));
}

/**
 * Those of `routes` that `spec` names, as it is or as {@link redactRoutes} shows it. A spec without a
 * range, which reads like one for all ids, names the routes of every range.
 *
 * @throws {SyntaxError} when `spec` is none.
 */
export function routesLike(routes: readonly Route[], spec: string): Route[] {
  const { start, end, url } = parseStoreSpec(spec);
  const everyRange = start === 0 && end === 255;
  return routes.filter((route) =>
    (route.url === url || redactUrl(route.url) === url) &&
    (everyRange || route.start === start && route.end === end)
  );
}
