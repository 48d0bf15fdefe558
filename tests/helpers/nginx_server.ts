/**
 * nginx over a folder.
 *
 * @module
 */

import { accepts, end, freePort, type WebServer } from "./web_server.ts";

/** How nginx serves. */
export interface NginxOptions {
  /** Files of a certificate and its key, in PEM: it speaks TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Directives of the server block, such as `auth_basic "blocks";`. */
  readonly directives?: string;
}

/** Attempts to find a port that nobody takes between looking and listening. */
const ATTEMPTS = 5;

/** Starts nginx with `root` as what it serves. It needs no rights, and leaves nothing behind. */
export async function nginxServer(root: string, options: NginxOptions = {}): Promise<WebServer> {
  const scratch = await Deno.makeTempDir({ prefix: "myfs_nginx_" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(scratch, { recursive: true }));
  for (let attempt = 1;; attempt++) {
    const port = freePort();
    await Deno.writeTextFile(`${scratch}/nginx.conf`, configuration(root, scratch, port, options));
    const child = new Deno.Command(NGINX, {
      args: ["-c", `${scratch}/nginx.conf`, "-e", `${scratch}/error.log`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    if (await accepts(port, child)) {
      stack.defer(() => end(child));
      const ending = stack.move();
      return {
        port,
        url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
        [Symbol.asyncDispose]: () => ending[Symbol.asyncDispose](),
      };
    }
    if (attempt === ATTEMPTS) {
      throw new Error(`nginx ended: ${await Deno.readTextFile(`${scratch}/error.log`)}`);
    }
  }
}

/** Debian keeps it where not every user's path leads. */
export const NGINX = "/usr/sbin/nginx";

function configuration(
  root: string,
  scratch: string,
  port: number,
  { tls, directives = "" }: NginxOptions,
): string {
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${scratch}/${name};`).join(" ");
  const secure = tls === undefined
    ? ""
    : `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};`;
  // Root's workers would become nobody, who may not enter a root's folders.
  return `${Deno.uid() === 0 ? "user root;" : ""}
daemon off; worker_processes 1; pid ${scratch}/pid; error_log ${scratch}/error.log;
events { worker_connections 512; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  default_type application/octet-stream; ${folders}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"}; ${secure}
    root ${root};
    ${directives}
  }
}
`;
}
