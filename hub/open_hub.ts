/**
 * From a configuration to the parts of a running hub.
 *
 * @module
 */

import { parseStoreSpec } from "myfs";
import { HubProblem } from "../lib/hub_api/problem.ts";
import { AccessTokens } from "./accounts/access_token.ts";
import { Accounts } from "./accounts/accounts.ts";
import { AuditLog } from "./accounts/audit_log.ts";
import { PasswordHasher } from "./accounts/passwords.ts";
import { newSecret } from "./accounts/secret_text.ts";
import { SignInLimit } from "./accounts/sign_in_limit.ts";
import { cleanUp } from "./cleaning.ts";
import type { HubConfig } from "./config/load_config.ts";
import type { Hub } from "./context.ts";
import { openDatabase } from "./database/open_database.ts";
import { Jobs } from "./jobs/jobs.ts";
import { LineBuffer } from "./line_buffer.ts";
import { createLog, type Log, type LogOptions } from "./log.ts";
import { HubMetrics } from "./metrics.ts";
import { openContentParts } from "./open_content.ts";

/** A hub's parts, open. */
export interface OpenHub extends Hub, AsyncDisposable {}

/** An administrator that the hub made because it had no user. */
export interface FirstAdmin {
  readonly name: string;
  readonly password: string;
}

/** How to open. */
export interface OpenHubOptions {
  /** Takes the log's lines. @default standard error */
  readonly writeLog?: (line: string) => void;
  /** Shows the first administrator, whose password nobody learns later. @default standard error */
  readonly showFirstAdmin?: (admin: FirstAdmin) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The accounts of a hub, without its store. */
export interface OpenAccounts
  extends AsyncDisposable, Pick<Hub, "accounts" | "audit" | "database"> {}

/** What a hub keeps, without its users. */
export interface OpenContent extends AsyncDisposable, Pick<Hub, "content" | "audit"> {}

/** Opens a hub's parts, with its users as the configuration has them. */
export async function openHub(config: HubConfig, options: OpenHubOptions = {}): Promise<OpenHub> {
  await using stack = new AsyncDisposableStack();
  const secret = await jwtSecret(config);
  const lines = stack.use(new LineBuffer(writeLines));
  const log = hubLog(
    config,
    secret,
    options.writeLog ?? ((line, isUrgent) => {
      lines.add(line);
      if (isUrgent) lines.flush();
    }),
  );
  const now = options.now ?? Date.now;
  const { database, accounts, audit } = stack.use(await openParts(config, { secret, log, now }));
  const { content, store } = stack.use(await openContentParts({ config, database, now }));
  await content.flists.prepare();
  for (const { username: name, password, role } of config.users) {
    log.warn("a password stands in the configuration in plain text", { user: name });
    await accounts.configureUser({ name, password, role });
  }
  const admin = await makeFirstAdmin(accounts);
  // At once: whatever goes wrong later, somebody has to know it.
  if (admin !== undefined) (options.showFirstAdmin ?? writeFirstAdmin)(admin);
  await accounts.clean();
  const metrics = new HubMetrics();
  addProcessGauges(metrics);
  const state = { isDraining: false };
  const isDraining = (): boolean => state.isDraining;
  const jobs = stack.use(
    new Jobs({ config, database, content, log, metrics, isDraining, now }),
  );
  await jobs.clean();
  const cleaned = { content, jobs, accounts, audit, log, config, now };
  const timer = setInterval(() => void cleanUp(cleaned), CLEANING_INTERVAL_MS);
  Deno.unrefTimer(timer);
  stack.defer(() => clearInterval(timer));
  const opened = stack.move();
  return {
    config,
    database,
    store,
    accounts,
    audit,
    content,
    jobs,
    log,
    metrics,
    state,
    now,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What the process takes, by the names that Prometheus's clients use. */
function addProcessGauges(metrics: HubMetrics): void {
  const usage = (field: keyof Deno.MemoryUsage) => (): number => Deno.memoryUsage()[field];
  metrics.gauge("process_resident_memory_bytes", "Resident memory", usage("rss"));
  metrics.gauge("nodejs_heap_size_total_bytes", "Memory of JavaScript's heap", usage("heapTotal"));
  metrics.gauge("nodejs_heap_size_used_bytes", "What of the heap is in use", usage("heapUsed"));
  metrics.gauge("nodejs_external_memory_bytes", "Memory beside the heap", usage("external"));
  const startSeconds = Date.now() / 1000;
  metrics.gauge("process_start_time_seconds", "When the hub began", () => startSeconds);
}

/** How often what nobody needs any more is removed, in milliseconds. */
const CLEANING_INTERVAL_MS = 3_600_000;

/** Makes an administrator where there is no user; of hubs that start at the same time, one does. */
async function makeFirstAdmin(accounts: Accounts): Promise<FirstAdmin | undefined> {
  if ((await accounts.listUsers(1, 1)).total > 0) return undefined;
  const admin = { name: "admin", password: newSecret().slice(0, 24) };
  try {
    await accounts.createUser({ ...admin, role: "admin" }, "config", {});
    return admin;
  } catch (error) {
    if (error instanceof HubProblem && error.code === "conflict") return undefined;
    throw error;
  }
}

function writeFirstAdmin({ name, password }: FirstAdmin): void {
  writeStderr(
    `The first administrator is ${name} with the password ${password}\n` +
      "It is not shown again; 'myfs-hub user passwd' changes it.\n",
  );
}

function writeStderr(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

/** Opens what a hub keeps alone, for the command line: a hub that serves may go on meanwhile. */
export async function openContent(config: HubConfig): Promise<OpenContent> {
  await using stack = new AsyncDisposableStack();
  const { database, audit } = stack.use(await openAccounts(config));
  const parts = { config, database, now: Date.now };
  const { content } = stack.use(await openContentParts(parts));
  await content.flists.prepare();
  const opened = stack.move();
  return { content, audit, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Opens a hub's users and tokens alone, for the command line. */
export async function openAccounts(config: HubConfig): Promise<OpenAccounts> {
  const log = createLog({ format: "text", write: () => {} });
  const secret = await jwtSecret(config);
  return await openParts(config, { secret, log, now: Date.now });
}

async function openParts(
  config: HubConfig,
  { secret, log, now }: { readonly secret: string; readonly log: Log; readonly now: () => number },
): Promise<OpenAccounts> {
  const database = await openDatabase(config.sqlite_path);
  const audit = new AuditLog(database, log, now);
  const accounts = new Accounts({
    database,
    passwords: new PasswordHasher(),
    accessTokens: new AccessTokens(secret, Math.round(config.jwt_expire_hours * 3600)),
    limit: new SignInLimit(database, now),
    audit,
    now,
    refreshLifetimeMs: config.refresh_expire_days * 86_400_000,
  });
  return { database, audit, accounts, [Symbol.asyncDispose]: () => database.destroy() };
}

/** The configured secret, or the one that this hub made when it first started. */
async function jwtSecret(config: HubConfig): Promise<string> {
  if (config.jwt_secret !== undefined) return config.jwt_secret;
  const path = `${config.data_dir}/jwt_secret`;
  await Deno.mkdir(config.data_dir, { recursive: true, mode: 0o700 });
  try {
    // Whole under another name first: whoever starts at the same time reads all of it or nothing.
    const part = `${path}.${crypto.randomUUID()}`;
    await Deno.writeTextFile(part, newSecret(), { createNew: true, mode: 0o600 });
    try {
      await Deno.link(part, path);
    } finally {
      await Deno.remove(part);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return await Deno.readTextFile(path);
}

/** A `%` that nothing follows stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function writeLines(text: string): void {
  try {
    writeStderr(text);
  } catch {
    // A full disk, or nobody who reads: no reason not to serve.
  }
}

function hubLog(config: HubConfig, secret: string, write: LogOptions["write"]): Log {
  const isText = config.log_format === "text" ||
    config.log_format === "auto" && Deno.stderr.isTerminal();
  const storeSecrets = config.store_url.flatMap((spec) => {
    const { username, password } = new URL(parseStoreSpec(spec).url);
    return [username, password].flatMap((text) => [text, decoded(text)]);
  });
  const passwords = config.users.map((user) => user.password);
  return createLog({
    format: isText ? "text" : "json",
    write,
    secrets: [secret, ...passwords, ...storeSecrets],
  });
}
