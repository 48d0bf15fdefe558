/**
 * Real S3 services on loopback: SeaweedFS and Versity's gateway, of different make. Their programs
 * are looked for where `.ci/run` puts them, and then in the path.
 *
 * @module
 */

import assert from "node:assert/strict";
import net from "node:net";
import type { CertificateFiles } from "./certificates.ts";
import { CI_PROGRAMS, programPath } from "./ci_programs.ts";
import type { Need } from "./require.ts";

/** Key and secret of every service that the tests start. */
export const S3_KEY = "testkey";
/** See {@link S3_KEY}. */
export const S3_SECRET = "test/secret+1";

/** A second key, of SeaweedFS only: may read and list, not write. */
export const S3_READER = { key: "readkey", secret: "read/secret" };

/** The services there are. */
export const S3_SERVICES = ["seaweedfs", "versitygw"] as const;
/** One of them. */
export type S3ServiceName = typeof S3_SERVICES[number];

/** What a test with a service needs. */
export const S3_NEEDS: Readonly<Record<S3ServiceName, Need>> = {
  seaweedfs: "weed",
  versitygw: "versitygw",
};

/** How long a service may take to begin, in milliseconds. */
const START_DEADLINE_MS = 60_000;

/** A service that runs, with a folder for its data that goes with it. */
export class S3Service implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #port: number;
  readonly #secure: boolean;

  private constructor(process: Deno.ChildProcess, folder: string, port: number, secure: boolean) {
    this.#process = process;
    this.#folder = folder;
    this.#port = port;
    this.#secure = secure;
  }

  /** Starts a service and waits until it answers. */
  static async start(name: S3ServiceName, tls?: CertificateFiles): Promise<S3Service> {
    const folder = await Deno.makeTempDir({ prefix: "myfs_test_s3_" });
    const start = name === "seaweedfs" ? startSeaweed : startVersity;
    const { process, port } = await start(folder, tls);
    const service = new S3Service(process, folder, port, tls !== undefined);
    try {
      await service.#untilReady();
      return service;
    } catch (error) {
      const log = await Deno.readTextFile(`${folder}/log`);
      await service[Symbol.asyncDispose]();
      assert.fail(`${name} did not start: ${error}\n${log.slice(-2000)}`);
    }
  }

  /** Where the service listens. */
  get port(): number {
    return this.#port;
  }

  /** URL of a store in a bucket. */
  url(place: string, user = `${S3_KEY}:${encodeURIComponent(S3_SECRET)}@`): string {
    return `${this.#secure ? "s3s" : "s3"}://${user}127.0.0.1:${this.#port}/${place}`;
  }

  /** Ends the service and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #untilReady(): Promise<void> {
    const end = Date.now() + START_DEADLINE_MS;
    const ended = this.#process.status.then(() => {
      throw new Error("it ended");
    });
    ended.catch(() => {});
    while (!await Promise.race([this.#answers(), ended])) {
      if (Date.now() > end) throw new Error("it does not answer");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Whether the service refuses a stranger as S3 does. Over TLS the certificate does not count. */
  async #answers(): Promise<boolean> {
    if (this.#secure) return await connects(this.#port);
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}/nosuchbucket/x`);
      return /<Code>(AccessDenied|NoSuchBucket)</.test(await response.text());
    } catch {
      return false;
    }
  }
}

interface Started {
  readonly process: Deno.ChildProcess;
  readonly port: number;
}

/** Master, volumes, files and S3 in one process. */
async function startSeaweed(folder: string, tls?: CertificateFiles): Promise<Started> {
  const identity = (name: string, key: string, secret: string, actions: string[]): unknown => ({
    name,
    credentials: [{ accessKey: key, secretKey: secret }],
    actions,
  });
  await Deno.writeTextFile(
    `${folder}/s3.json`,
    JSON.stringify({
      identities: [
        identity("admin", S3_KEY, S3_SECRET, ["Admin", "Read", "List", "Tagging", "Write"]),
        identity("reader", S3_READER.key, S3_READER.secret, ["Read", "List"]),
      ],
    }),
  );
  const names = ["master", "volume", "filer", "s3"];
  const ports = await freePorts(2 * names.length);
  const args = names.flatMap((name, i) => [
    `-${name}.port=${ports[2 * i]}`,
    `-${name}.port.grpc=${ports[2 * i + 1]}`,
  ]);
  const files = tls === undefined
    ? []
    : [`-s3.cert.file=${tls.certificate}`, `-s3.key.file=${tls.key}`];
  const process = spawn(folder, "weed", [
    "-logtostderr",
    "server",
    `-dir=${folder}`,
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-s3",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.iam=false",
    `-s3.config=${folder}/s3.json`,
    "-volume.max=200",
    "-master.volumeSizeLimitMB=64",
    "-volume.preStopSeconds=0",
    ...args,
    ...files,
  ]);
  return { process, port: ports[6]! };
}

/** Objects as files in a folder. */
async function startVersity(folder: string, tls?: CertificateFiles): Promise<Started> {
  const [port] = await freePorts(1);
  await Deno.mkdir(`${folder}/data`);
  const files = tls === undefined ? [] : ["--cert", tls.certificate, "--key", tls.key];
  const process = spawn(folder, "versitygw", [
    "--port",
    `127.0.0.1:${port}`,
    "--access",
    S3_KEY,
    "--secret",
    S3_SECRET,
    "--keep-alive",
    "--quiet",
    ...files,
    "posix",
    "--nometa",
    `${folder}/data`,
  ]);
  return { process, port: port! };
}

/** Starts a program that writes to a log in `folder`. */
function spawn(
  folder: string,
  program: keyof typeof CI_PROGRAMS,
  args: string[],
): Deno.ChildProcess {
  const path = programPath(program);
  assert.ok(path !== undefined, `${program} is missing`);
  return new Deno.Command("sh", {
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", `${folder}/log`, path, ...args],
    cwd: folder,
    // SeaweedFS makes seven volumes for each bucket otherwise, which takes seconds.
    env: { WEED_MASTER_VOLUME_GROWTH_COPY_1: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Ports that were free just now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen()));
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
