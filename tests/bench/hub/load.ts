/**
 * Load on a server: wrk, which asks for many paths in a random order.
 *
 * @module
 */

import { run } from "../measure.ts";
import { ON_CLIENT_CORE } from "./servers.ts";

/** What to ask for, and how hard. */
export interface Load {
  readonly port: number;
  /** A file with a path a line. */
  readonly paths: string;
  readonly seconds: number;
  readonly connections: number;
  /** An access token to ask with. */
  readonly token?: string | undefined;
}

/** What a server did. */
export interface Throughput {
  readonly requestsPerSecond: number;
  readonly bytesPerSecond: number;
}

const SCRIPT = `
local paths = {}
function init(args)
  math.randomseed(1)
  for path in io.lines(args[1]) do paths[#paths + 1] = path end
end
function request() return wrk.format("GET", paths[math.random(#paths)]) end
function done(summary)
  local failed = summary.errors
  assert(failed.status + failed.read + failed.write + failed.connect == 0, "requests failed")
  local seconds = summary.duration / 1e6
  print("measured", summary.requests / seconds, summary.bytes / seconds)
end
`;

/** Asks for as much as the server gives. @throws {Error} when a request fails. */
export async function underLoad(load: Load): Promise<Throughput> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(script, SCRIPT);
    const output = await run({
      argv: [
        ...ON_CLIENT_CORE,
        ...["wrk", "-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "30s"],
        ...(load.token === undefined ? [] : ["-H", `Authorization: Bearer ${load.token}`]),
        ...["-s", script, `http://127.0.0.1:${load.port}`, "--", load.paths],
      ],
    });
    const [, requests, bytes] = /measured\s+(\S+)\s+(\S+)/.exec(output) ?? [];
    if (!(Number(requests) > 0)) throw new Error(`Cannot read what wrk says: ${output}`);
    return { requestsPerSecond: Number(requests), bytesPerSecond: Number(bytes) };
  } finally {
    await Deno.remove(script);
  }
}
