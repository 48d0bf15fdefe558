/**
 * A hub that serves on a free port of 127.0.0.1, with its data in a temporary folder and two users:
 * alice, an administrator, and bob.
 *
 * @module
 */

import { loadConfig, serveHub, type ServingHub } from "../../hub/mod.ts";
import { TempFolder } from "./temp_folder.ts";

/** Passwords of the hub's users. */
export const HUB_PASSWORDS = { alice: "alice's pässword", bob: "bob's passphrase" } as const;

const CONFIG = `port = 0
socket_path = ""
log_format = "json"
account_rate_limit_burst = 10000

[[users]]
username = "alice"
password = "${HUB_PASSWORDS.alice}"
role = "admin"

[[users]]
username = "bob"
password = "${HUB_PASSWORDS.bob}"
`;

/** How to send a request. */
export interface HubRequest {
  /** An access token or an API token. */
  readonly token?: string;
  readonly body?: BodyInit;
  /** Sent in place of a body. */
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** See the module. */
export class HubServer implements AsyncDisposable {
  /** Lines of its log. */
  readonly log: string[];
  /** Its URL, without a slash at the end. */
  readonly url: string;
  readonly folder: TempFolder;
  readonly serving: ServingHub;

  private constructor(folder: TempFolder, serving: ServingHub, log: string[]) {
    this.folder = folder;
    this.serving = serving;
    this.log = log;
    this.url = serving.addresses[0]!;
  }

  /**
   * Starts one.
   *
   * @param settings Lines of TOML to stand in front of the others, of which they take the place.
   * @param now Its clock, in milliseconds since 1970.
   */
  static async start(settings = "", now: () => number = Date.now): Promise<HubServer> {
    const folder = new TempFolder();
    const path = folder.file("server.toml");
    const given = settings.split("\n").map(nameOf);
    const defaults = `data_dir = "${folder.file("data")}"\n${CONFIG}`.split("\n")
      .filter((line) => line === "" || !given.includes(nameOf(line)));
    await Deno.writeTextFile(path, `${settings}\n${defaults.join("\n")}`);
    const log: string[] = [];
    const config = await loadConfig({ path, read: () => undefined });
    const serving = await serveHub(config, { writeLog: (line) => log.push(line), now });
    return new HubServer(folder, serving, log);
  }

  /** Its name as `hub://…`. */
  get hubUrl(): string {
    return this.url.replace("http:", "hub:");
  }

  /** Sends a request. The answer has to be read to its end. */
  async send(method: string, path: string, request: HubRequest = {}): Promise<Response> {
    const { token, body, json, headers } = request;
    return await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Sends a request that has to be answered with `status`, and gives the answer's JSON. */
  // deno-lint-ignore no-explicit-any -- tests look at fields that they know
  async ask(status: number, method: string, path: string, request?: HubRequest): Promise<any> {
    const response = await this.send(method, path, request);
    const text = await response.text();
    if (response.status !== status) {
      throw new Error(`${method} ${path}: ${response.status} in place of ${status}: ${text}`);
    }
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Signs a user in and gives what the hub answers. */
  async signIn(
    username: keyof typeof HUB_PASSWORDS,
  ): Promise<{ readonly access_token: string; readonly refresh_token: string }> {
    const json = { username, password: HUB_PASSWORDS[username] };
    return await this.ask(201, "POST", "/api/v1/signin", { json });
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.serving.close();
    this.folder[Symbol.dispose]();
  }
}

/** Name of the setting of a line. */
function nameOf(line: string): string {
  return line.split(" = ")[0]!;
}
