/**
 * `python3 -m http.server` over a folder: HTTP/1.0, a connection a request.
 *
 * @module
 */

import { end, type WebServer } from "./web_server.ts";

/** Starts the server with `root` as what it serves. */
export async function pythonWebServer(root: string): Promise<WebServer> {
  const child = new Deno.Command("python3", {
    args: ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", root],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    text += decoder.decode(bytes, { stream: true });
    const port = Number(/ port (\d+) .*\n/.exec(text)?.[1] ?? 0);
    if (port === 0) continue;
    const url = `http://127.0.0.1:${port}`;
    return { port, url, [Symbol.asyncDispose]: () => end(child) };
  }
  throw new Error(`python3 -m http.server ended: ${text}`);
}
