/**
 * The servers that are measured side by side, each on the first core. Everybody else is on the others.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { NGINX } from "../../helpers/nginx_server.ts";
import { type Server, startServer } from "../stores/servers.ts";

/** Who signs in to the hub. */
const USER = { username: "bench", password: "a password of the benchmark" } as const;

const HUB = fileURLToPath(new URL("../../../cli/myfs_hub.ts", import.meta.url));

/** A program on the core of servers. */
export const ON_SERVER_CORE = ["taskset", "-c", "0"] as const;

/** A program on the core of clients; on a machine with one core, on the same. */
export const ON_CLIENT_CORE = [
  "taskset",
  "-c",
  String(Math.min(1, navigator.hardwareConcurrency - 1)),
] as const;

/** A hub that serves. */
export interface BenchHub extends Server {
  readonly url: string;
  /** An access token, good for an hour. */
  readonly token: string;
  /** Where its blocks lie, as a directory store has them. */
  readonly blocks: string;
}

/** How to start a hub. */
export interface BenchHubOptions {
  /** More lines of its configuration. */
  readonly settings?: string;
  /** On any core. @default {false} */
  readonly isFree?: boolean;
}

/** Starts a hub as a user does, with its data in `folder`. */
export async function startHub(
  folder: string,
  { settings = "", isFree = false }: BenchHubOptions = {},
): Promise<BenchHub> {
  await Deno.mkdir(folder, { recursive: true });
  const config = `${folder}/server.toml`;
  const command = [Deno.execPath(), "run", "-A", HUB, "serve", "--config-path", config];
  const [program, ...args] = isFree ? command : [...ON_SERVER_CORE, ...command];
  const server = await startServer({
    program: program!,
    args: (port) => {
      Deno.writeTextFileSync(
        config,
        `${settings}
port = ${port}
socket_path = ""
data_dir = "${folder}/data"
store_url = ["dir://${folder}/blocks"]
rate_limit_per_second = 0
jwt_expire_hours = 24

[[users]]
username = "${USER.username}"
password = "${USER.password}"
role = "admin"
`,
      );
      return args;
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  const response = await fetch(`${url}/api/v1/signin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(USER),
  });
  const { access_token: token } = await response.json();
  return Object.assign(server, { url, token, blocks: `${folder}/blocks` });
}

/** Starts nginx over `root`, with a line in its log for each request, as the hub has one. */
export async function startNginx(root: string, folder: string): Promise<Server> {
  await Deno.mkdir(folder, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  return await startServer({
    program: ON_SERVER_CORE[0],
    args: (port) => {
      Deno.writeTextFileSync(
        `${folder}/nginx.conf`,
        `${Deno.uid() === 0 ? "user root;" : ""}
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  access_log ${folder}/access.log; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  default_type application/octet-stream; ${temporary}
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`,
      );
      const given = ["-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`];
      return [...ON_SERVER_CORE.slice(1), NGINX, ...given];
    },
  });
}

/** Starts Debian's docker-registry with blobs; its access log is off, as is its default. */
export async function startRegistry(folder: string): Promise<Server> {
  return await startServer({
    program: ON_SERVER_CORE[0],
    args: (port) => {
      Deno.writeTextFileSync(
        `${folder}/config.yml`,
        `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n` +
          `storage: {filesystem: {rootdirectory: ${folder}/data}}\n` +
          `http: {addr: "127.0.0.1:${port}"}\n`,
      );
      return [...ON_SERVER_CORE.slice(1), "docker-registry", "serve", `${folder}/config.yml`];
    },
    env: { OTEL_TRACES_EXPORTER: "none" },
  });
}

/** Puts a blob into a registry's folder as its `blocks` repository has it. @returns its path in URLs. */
export async function addBlob(folder: string, content: Uint8Array): Promise<string> {
  const hex = createHash("sha256").update(content).digest("hex");
  const root = `${folder}/data/docker/registry/v2`;
  const blob = `${root}/blobs/sha256/${hex.slice(0, 2)}/${hex}`;
  const link = `${root}/repositories/blocks/_layers/sha256/${hex}`;
  await Deno.mkdir(blob, { recursive: true });
  await Deno.writeFile(`${blob}/data`, content);
  await Deno.mkdir(link, { recursive: true });
  await Deno.writeTextFile(`${link}/link`, `sha256:${hex}`);
  return `/v2/blocks/blobs/sha256:${hex}`;
}

/** Memory of a process, in bytes: what it has now, or had at most. */
export async function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)![1]) * 1024;
}
