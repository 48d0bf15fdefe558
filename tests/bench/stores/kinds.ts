/**
 * The kinds of store that are measured: how each is started, and which program does the same to it.
 *
 * @module
 */

import { type CI_PROGRAMS, programPath } from "../../helpers/ci_programs.ts";
import { openBlockCache } from "../../../lib/store/block_cache.ts";
import { openStore } from "../../../lib/store/open_store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { withBlockCache } from "../../../lib/store/wrappers/cached_store.ts";
import {
  S3_KEY,
  S3_NEEDS,
  S3_SECRET,
  S3_SERVICES,
  S3Service,
  type S3ServiceName,
} from "../../helpers/s3_services.ts";
import { NGINX, nginxServer } from "../../helpers/nginx_server.ts";
import { run } from "../measure.ts";
import type { BlockSet } from "./block_set.ts";
import { startServer } from "./servers.ts";
import { type Folders, getAll, secondsOf } from "./transfers.ts";

/** Another program that moves as many bytes of the same blocks. Its calls answer seconds. */
export interface Peer {
  readonly name: string;
  /** What must be on the path. */
  readonly program: string;
  /** Has it print its version in the first line; absent for myfs itself. */
  readonly version?: string;
  /** Absent where the store can only be read. */
  upload?(set: BlockSet, folders: Folders): Promise<number>;
  download(set: BlockSet, folders: Folders): Promise<number>;
  /** Removes from the store what it uploaded. */
  cleanUp?(): Promise<void>;
}

/** A store that is ready, and empty unless it can only be read. */
export interface StartedStore extends AsyncDisposable {
  /** Opens the store; with a port, as it is to be found there. */
  readonly open: (port?: number) => Promise<Store>;
  /** Where its server listens on 127.0.0.1. Without one, no network is involved. */
  readonly port?: number;
}

/** A kind of store. */
export interface StoreKind {
  readonly name: string;
  /** Programs that must be on the path. */
  readonly programs: readonly string[];
  /** Why it cannot be started here; undefined where it can. */
  readonly obstacle?: () => string | undefined;
  /** Whether blocks come from files and go to files, as they do for the peer; else from memory. */
  readonly files: boolean;
  /** Whether the store can only be read, and has the blocks of the set when it is started. */
  readonly readOnly?: boolean;
  /**
   * How many small blocks are under way at once where they share connections; else as many as the
   * workload says, which is how many connections a peer has.
   */
  readonly smallUnderWay?: number;
  readonly peers: (started: StartedStore, folder: string) => readonly Peer[];
  /** Starts the server. @param folder A folder of its own, which is removed after. */
  start(folder: string, folders: Folders): Promise<StartedStore>;
}

const directory: StoreKind = {
  name: "dir",
  programs: [],
  files: true,
  peers: (_, folder) => {
    const copier = (name: string, program: string, ...args: string[]): Peer => ({
      name,
      program,
      version: `${program} --version`,
      upload: (_, { source }) => copyFiles([program, ...args], source, folder),
      download: (_, { target }) => copyFiles([program, ...args], folder, target),
      cleanUp: async () => {
        await run({ argv: ["find", folder, "-mindepth", "1", "-delete"] });
      },
    });
    return [copier("cp", "cp", "-r"), copier("rsync", "rsync", "-r", "--whole-file")];
  },
  start: (folder) =>
    Promise.resolve({
      open: () => openStore([`dir://${folder}`], { create: true }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** Waits until all is on the disk, as the flush of a store does. */
function copyFiles(command: readonly string[], source: string, target: string): Promise<number> {
  const script = 'source=$1 target=$2; shift 2; "$@" "$source"/. "$target" && sync -f "$target"';
  return secondsOf(() => run({ argv: ["sh", "-c", script, "sh", source, target, ...command] }));
}

const redis: StoreKind = {
  name: "redis",
  programs: ["redis-server"],
  files: false,
  // At 40,000 a second, 800 go out before the first answer is back from 20 ms away.
  smallUnderWay: 1024,
  peers: ({ port }) => [{
    name: "redis-benchmark",
    program: "redis-benchmark",
    version: "redis-benchmark --version",
    upload: (set) => redisBenchmark("set", port!, set),
    download: (set) => redisBenchmark("get", port!, set),
    cleanUp: async () => {
      await run({ argv: ["redis-cli", "-p", `${port}`, "flushall"] });
    },
  }],
  start: async (folder) => {
    const server = await startServer({
      program: "redis-server",
      args: (port) => [
        ...["--bind", "127.0.0.1", "--port", `${port}`, "--dir", folder],
        ...["--save", "", "--appendonly", "no"],
      ],
    });
    return {
      open: (port = server.port) => openStore([`redis://127.0.0.1:${port}`], { create: true }),
      port: server.port,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

/**
 * It writes to random keys, so that the server has to find room for the values as it does for ours,
 * and reads one key over and over, because not all random ones exist.
 */
async function redisBenchmark(
  call: "set" | "get",
  port: number,
  { workload }: BlockSet,
): Promise<number> {
  const { count, size, concurrency } = workload;
  const benchmark = (call: "set" | "get", count: number, ...more: string[]): Promise<string> =>
    run({
      argv: [
        "redis-benchmark",
        ...["-p", `${port}`, "-t", call, "-q", "-d", `${size}`],
        ...["-n", `${count}`, "-c", `${concurrency}`, ...more],
      ],
    });
  if (call === "get") await benchmark("set", 1);
  const keys = call === "set" ? ["-r", `${count}`] : [];
  return await secondsOf(() => benchmark(call, count, ...keys));
}

const http: StoreKind = {
  name: "http",
  programs: [NGINX],
  files: false,
  readOnly: true,
  peers: ({ port }) => [{
    name: "wrk",
    program: "wrk",
    version: "wrk -v",
    download: (set, { target }) => wrk(port!, set, target),
  }],
  start: async (_, { source }) => {
    const server = await nginxServer(source);
    return {
      open: (port = server.port) => openStore([`http://127.0.0.1:${port}`]),
      port: server.port,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

/** How long wrk runs, in seconds: it has no way to end after a number of requests. */
const WRK_SECONDS = 3;
/** A set as small as this shows only that it runs at all. */
const WRK_BRIEF_COUNT = 100;

/** It gets all blocks in turn, over and over, and its rate says how long all of them take once. */
async function wrk(port: number, set: BlockSet, folder: string): Promise<number> {
  const script = `${folder}/wrk.lua`;
  const seconds = set.workload.count <= WRK_BRIEF_COUNT ? 1 : WRK_SECONDS;
  const paths = set.ids.map((id) => `"/${id.slice(0, 2)}/${id}"`).join(",\n");
  await Deno.writeTextFile(
    script,
    `local paths = {${paths}}
local next = math.random(#paths)
request = function()
  next = next % #paths + 1
  return wrk.format("GET", paths[next])
end
done = function(summary)
  assert(summary.errors.status == 0 and summary.errors.read == 0, "requests failed")
  print("requests per second", summary.requests * 1e6 / summary.duration)
end
`,
  );
  const output = await run({
    argv: [
      "wrk",
      ...["-t", "2", "-c", `${set.workload.concurrency}`, "-d", `${seconds}s`],
      ...["-s", script, `http://127.0.0.1:${port}/`],
    ],
  });
  const rate = Number(/requests per second\s+(\S+)/.exec(output)?.[1]);
  if (!(rate > 0)) throw new Error(`Cannot read what wrk says: ${output}`);
  return set.workload.count / rate;
}

function s3(name: S3ServiceName): StoreKind {
  const program = S3_NEEDS[name] as keyof typeof CI_PROGRAMS;
  return {
    name: `s3 (${name})`,
    programs: [],
    obstacle: () => programPath(program) === undefined ? `${program} not found` : undefined,
    files: true,
    peers: ({ port }) => {
      const rclone = (set: BlockSet, ...args: string[]): Promise<number> => {
        const { concurrency } = set.workload;
        const many = ["--transfers", `${concurrency}`, "--checkers", `${concurrency}`];
        return secondsOf(() =>
          run({ argv: ["rclone", ...args, ...many, "--quiet"], env: rcloneEnvironment(port!) })
        );
      };
      return [{
        name: "rclone",
        program: "rclone",
        version: "rclone version",
        upload: (set, { source }) => rclone(set, "copy", source, "bench:blocks/rclone"),
        download: (set, { target }) => rclone(set, "copy", "bench:blocks/rclone", target),
        cleanUp: async () => {
          const argv = ["rclone", "purge", "bench:blocks/rclone", "--quiet"] as const;
          await run({ argv, env: rcloneEnvironment(port!) });
        },
      }];
    },
    start: async () => {
      const service = await S3Service.start(name);
      const url = service.url("blocks/myfs?create=1");
      return {
        open: (port = service.port) =>
          openStore([url.replace(`:${service.port}/`, `:${port}/`)], { create: true }),
        port: service.port,
        [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
      };
    },
  };
}

/** Rclone's settings for a service, in place of a file with settings. */
function rcloneEnvironment(port: number): Record<string, string> {
  const settings = {
    TYPE: "s3",
    PROVIDER: "Other",
    REGION: "us-east-1",
    ENDPOINT: `http://127.0.0.1:${port}`,
    ACCESS_KEY_ID: S3_KEY,
    SECRET_ACCESS_KEY: S3_SECRET,
    NO_CHECK_BUCKET: "true",
  };
  return {
    RCLONE_CONFIG: "/dev/null",
    // Debian's rclone refuses to start where it is set.
    AWS_CA_BUNDLE: "",
    ...Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`RCLONE_CONFIG_BENCH_${name}`, value]),
    ),
  };
}

/** A cache that has everything, in front of a directory store; and the directory store alone. */
const cache: StoreKind = {
  name: "cache",
  programs: [],
  files: false,
  readOnly: true,
  peers: () =>
    [{ name: "dir", verify: false }, { name: "dir, checked", verify: true }].map((
      { name, verify },
    ): Peer => ({
      name,
      program: "true",
      download: async (set, { source }) => {
        await using store = await openStore([`dir://${source}`], { verify });
        return await secondsOf(() => getAll(store, set));
      },
    })),
  start: (folder, { source }) =>
    Promise.resolve({
      open: async () => {
        const cache = await openBlockCache(folder, { sizeMax: CACHE_SIZE_MAX, freeSpaceMin: 0 });
        const store = withBlockCache(await openStore([`dir://${source}`]), cache);
        return closingWith(store, cache);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** More than all blocks of a workload. */
const CACHE_SIZE_MAX = 8 * 1024 ** 3;

/** `store`, which closes `other` after itself. */
function closingWith(store: Store, other: AsyncDisposable): Store {
  const close = store[Symbol.asyncDispose].bind(store);
  return Object.assign(store, {
    [Symbol.asyncDispose]: async () => {
      await close();
      await other[Symbol.asyncDispose]();
    },
  });
}

/** All kinds. */
export const STORE_KINDS: readonly StoreKind[] = [
  directory,
  cache,
  redis,
  http,
  ...S3_SERVICES.map(s3),
];
