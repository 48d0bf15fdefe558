/**
 * Every setting of a hub: its name in the file, what it may be, and what it is for. Names that rfs
 * has mean what they mean there.
 *
 * @module
 */

import * as z from "zod";

const port = z.int().min(0).max(65_535);
const seconds = z.number().positive().max(86_400);
const path = z.string().min(1);

/** A user of the configuration, with the password as rfs's files have it. */
const ConfiguredUser = z.strictObject({
  username: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/),
  password: z.string().min(1).max(1024),
  role: z.enum(["user", "admin"]).default("user"),
});

/** The settings as the file and the environment give them. */
export const Settings = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("address to listen on"),
  port: port.default(3000).describe("TCP port; 0 takes a free one"),
  socket_path: z.string().optional().describe("Unix socket to listen on as well; empty for none"),
  tls_cert: path.optional().describe("certificate chain in PEM; with tls_key, the port speaks TLS"),
  tls_key: path.optional().describe("private key in PEM"),
  trusted_proxies: z.array(z.string()).default([])
    .describe(
      "addresses of proxies whose X-Forwarded-For is believed; unix for those on the Unix socket",
    ),
  data_dir: path.optional().describe("folder of everything that has no place of its own"),
  store_url: z.array(z.string().min(1)).min(1).optional()
    .describe("where blocks are kept; several as shards or replicas (00-7f=dir:///a)"),
  flist_dir: path.optional().describe("folder of flists"),
  sqlite_path: path.optional().describe("the database"),
  storage_dir: path.optional()
    .describe("folder of uploads, and of blocks where no store_url is given"),
  block_size: z.int().min(4096).max(8 * 2 ** 20).default(2 ** 20)
    .describe("bytes of the blocks that POST /api/v1/file cuts"),
  block_memory_bytes: z.int().min(0).default(64 * 2 ** 20)
    .describe("memory for small blocks that are asked for often; 0 for none"),
  dedup: z.enum(["users", "user"]).default("users").describe(
    "among whom a block is kept once: all users, who may then notice that it is there, or each user",
  ),
  jwt_secret: z.string().refine((text) => new TextEncoder().encode(text).length >= 32, {
    message: "needs at least 32 bytes (openssl rand -base64 32 makes one)",
  }).optional().describe("signs access tokens; made and kept in data_dir where it is missing"),
  jwt_expire_hours: z.number().min(1).max(24).default(1)
    .describe("hours for which an access token is good"),
  refresh_expire_days: z.number().positive().max(3650).default(30)
    .describe("days for which a sign-in can be refreshed"),
  audit_retention_days: z.number().min(0).max(36_500).default(365)
    .describe("days for which the audit log is kept; 0 for ever"),
  users: z.array(ConfiguredUser).default([]),
  header_timeout_seconds: seconds.default(15).describe("a request's header has to be there"),
  body_idle_seconds: seconds.default(30).describe("longest silence inside a body"),
  body_bytes_per_second_min: z.int().min(0).default(1024)
    .describe("slowest body, on average, after body_idle_seconds; 0 for any"),
  answer_idle_seconds: seconds.default(300)
    .describe("a client may take nothing of its answer for so long"),
  request_timeout_seconds: seconds.default(3600).describe("a whole request has to be there"),
  keep_alive_seconds: seconds.default(75).describe("a connection may wait for its next request"),
  drain_seconds: z.number().min(0).max(3600).default(30)
    .describe("running requests may go on when the hub is told to end"),
  connections_max: z.int().min(1).default(4096).describe("connections at the same time"),
  body_bytes_max: z.int().min(1).default(16 * 2 ** 30).describe(
    "largest body of a file or a flist",
  ),
  json_bytes_max: z.int().min(1024).default(16 * 2 ** 20).describe("largest body in JSON"),
  rate_limit_per_second: z.number().min(0).default(10_000)
    .describe("requests a second by one user or address, in each process; 0 for any number"),
  rate_limit_burst: z.int().min(1).default(20_000).describe("requests at once before that counts"),
  account_rate_limit_per_second: z.number().min(0).default(20)
    .describe("the same for signing in, refreshing and signing out, by address"),
  account_rate_limit_burst: z.int().min(1).default(100),
  log_format: z.enum(["auto", "json", "text"]).default("auto")
    .describe("text on a terminal and JSON else, or always one of them"),
  log_requests: z.boolean().default(true).describe("a line for each request"),
});

/** See {@link Settings}. */
export type Settings = z.infer<typeof Settings>;

/** Prefix of the environment's variables: `MYFS_HUB_PORT`, or a file's path in `MYFS_HUB_PORT_FILE`. */
export const VARIABLE_PREFIX = "MYFS_HUB_";
