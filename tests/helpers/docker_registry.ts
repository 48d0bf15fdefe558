/**
 * Debian's `docker-registry`, for tests that need the real thing: open, with passwords, or with tokens
 * that a server of the test gives.
 *
 * @module
 */

import { createSign } from "node:crypto";
import { freePort } from "./redis_server.ts";
import { runProgram } from "./run_program.ts";
import { until } from "./until.ts";

/** How often another port is tried. */
const ATTEMPTS = 5;

/** Who may ask. */
export type RegistryAccess =
  | { readonly kind: "open" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "token"; readonly username: string; readonly password: string };

/** A running registry; what is in it stays in its folder. */
export class DockerRegistry implements AsyncDisposable {
  /** Such as `127.0.0.1:1234`. */
  readonly host: string;
  /** Tokens that were given so far. */
  tokenCount = 0;
  readonly #process: Deno.ChildProcess;
  readonly #tokens: Deno.HttpServer | undefined;

  private constructor(host: string, process: Deno.ChildProcess, tokens?: Deno.HttpServer) {
    this.host = host;
    this.#process = process;
    this.#tokens = tokens;
  }

  /**
   * Starts a registry and waits until it answers.
   *
   * @param folder Exists; registries one after the other may share it.
   */
  static async start(
    folder: string,
    access: RegistryAccess = { kind: "open" },
  ): Promise<DockerRegistry> {
    const given = { count: (): void => {} };
    let auth = "";
    let tokens: Deno.HttpServer | undefined;
    if (access.kind === "password") {
      const { username, password } = access;
      await Deno.writeTextFile(
        `${folder}/htpasswd`,
        await runProgram("htpasswd", "-Bbn", username, password),
      );
      auth = `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}`;
    } else if (access.kind === "token") {
      tokens = await startTokenServer(folder, access, () => given.count());
      const realm = `http://127.0.0.1:${(tokens.addr as Deno.NetAddr).port}/token`;
      auth = `auth: {token: {realm: "${realm}", service: test, issuer: test, ` +
        `rootcertbundle: ${folder}/token.pem}}`;
    }
    // A port that was free may be taken before the registry has it: then it ends, and another is tried.
    let log = "";
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const host = `127.0.0.1:${freePort()}`;
      const registry = new DockerRegistry(host, spawn(folder, host, auth), tokens);
      given.count = () => registry.tokenCount++;
      if (await registry.#isReady()) return registry;
      log = await Deno.readTextFile(`${folder}/log`);
    }
    await tokens?.shutdown();
    throw new Error(`docker-registry does not start: ${log}`);
  }

  /** Waits until it answers, or has ended. */
  async #isReady(): Promise<boolean> {
    let hasEnded = false;
    void this.#process.status.then(() => hasEnded = true);
    try {
      await until(async () => hasEnded || await answers(`http://${this.host}/v2/`));
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
    return !hasEnded;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.#tokens?.shutdown();
  }
}

/** Starts the program, which writes what goes wrong to the file `log`. */
function spawn(folder: string, host: string, auth: string): Deno.ChildProcess {
  const config = `${folder}/config.yml`;
  Deno.writeTextFileSync(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n` +
      `storage: {filesystem: {rootdirectory: ${folder}/data}}\n` +
      `http: {addr: "${host}"}\n${auth}\n`,
  );
  return new Deno.Command("sh", {
    args: ["-c", 'exec docker-registry serve "$1" >"$2" 2>&1', "sh", config, `${folder}/log`],
    env: { OTEL_TRACES_EXPORTER: "none" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Whether a registry is there, and nothing else that has taken its port. */
async function answers(url: string): Promise<boolean> {
  try {
    const { headers, body } = await fetch(url);
    await body?.cancel();
    return headers.has("docker-distribution-api-version");
  } catch {
    return false;
  }
}

/** Gives tokens that let those with the password read what they ask for (distribution's JWT). */
async function startTokenServer(
  folder: string,
  { username, password }: { readonly username: string; readonly password: string },
  onToken: () => void,
): Promise<Deno.HttpServer> {
  const subject = ["-subj", "/CN=test", "-days", "2"];
  const files = ["-keyout", `${folder}/token.key`, "-out", `${folder}/token.pem`];
  await runProgram(
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    ...subject,
    ...files,
  );
  const key = await Deno.readTextFile(`${folder}/token.key`);
  const pem = await Deno.readTextFile(`${folder}/token.pem`);
  const certificate = pem.replace(/-----[^-]+-----|\s/g, "");
  const part = (value: unknown): string =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (request.headers.get("authorization") !== `Basic ${btoa(`${username}:${password}`)}`) {
      return new Response("", { status: 401 });
    }
    const scopes = new URL(request.url).searchParams.getAll("scope");
    const access = scopes.map((scope) => {
      const [type, name, actions] = scope.split(":");
      return { type, name, actions: actions!.split(",") };
    });
    const seconds = Math.floor(Date.now() / 1000);
    const header = { typ: "JWT", alg: "RS256", x5c: [certificate] };
    const claims = {
      ...{ iss: "test", aud: "test", sub: username, jti: crypto.randomUUID() },
      ...{ iat: seconds, nbf: seconds - 10, exp: seconds + 300, access },
    };
    const text = `${part(header)}.${part(claims)}`;
    const signature = createSign("RSA-SHA256").update(text).sign(key, "base64url");
    onToken();
    return Response.json({ token: `${text}.${signature}`, expires_in: 300 });
  });
}
