/**
 * Goal: a large file goes to a hub and back without ever lying in memory, at either end, and an upload
 * whose client was killed goes on where it stopped. Method: both as processes, with a file of zeros,
 * which costs no disk; their memory as the kernel counts it.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { HUB_PASSWORDS } from "../helpers/hub_server.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { until } from "../helpers/until.ts";
import { finish, startMyfs } from "./cli_process.ts";

const MIB = 2 ** 20;
const SIZE = 384 * MIB;

/** What a process may take more than it did for a small file: far less than the large one. */
const GROWTH_MAX = 128 * MIB;

/** The most memory that a process had, in bytes; 0 where it has ended. */
async function peakOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

/** A hub as a process, and what it says. */
class HubProcess implements AsyncDisposable {
  log = "";
  readonly child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(config: string) {
    this.child = startMyfs(["serve", "--config-path", config], { program: "myfs_hub" });
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const piece of this.child.stderr.pipeThrough(new TextDecoderStream())) {
      this.log += piece;
    }
  }

  async address(): Promise<string> {
    await until(() => /http:\/\/127\.0\.0\.1:\d+/.test(this.log));
    return /http:(\/\/127\.0\.0\.1:\d+)/.exec(this.log)![1]!;
  }

  /** Parts of uploads that came so far. */
  get parts(): number {
    return this.log.match(/\/parts\/\d+","status":204/g)?.length ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGTERM");
    await Promise.all([this.child.status, this.#reading, this.child.stdout.cancel()]);
  }
}

requiringTest(
  ["linux"],
  "cli hub: a large file goes up, over a client that was killed, and comes back, in little memory",
  async () => {
    using folder = new TempFolder();
    const config = folder.file("server.toml");
    await Deno.writeTextFile(
      config,
      `port = 0\nsocket_path = ""\ndata_dir = "${folder.file("data")}"\nlog_format = "json"\n` +
        `[[users]]\nusername = "bob"\npassword = "${HUB_PASSWORDS.bob}"\n`,
    );
    await using hub = new HubProcess(config);
    const address = await hub.address();
    const signedIn = await fetch(`http:${address}/api/v1/signin`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "bob", password: HUB_PASSWORDS.bob }),
    });
    const { access_token } = await signedIn.json();
    const env = { MYFS_HUB: `hub:${address}`, MYFS_HUB_TOKEN: access_token };
    /** Runs a command. @returns what it printed as JSON, and the most memory that it had. */
    const run = async (...args: string[]): Promise<Record<string, unknown> & { peak: number }> => {
      const child = startMyfs([...args, "--json"], { env });
      let [peak, isRunning] = [0, true];
      const watching = (async () => {
        while (isRunning) {
          peak = Math.max(peak, await peakOf(child.pid));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      const { code, stdout, stderr } = await finish(child);
      isRunning = false;
      await watching;
      assert.equal(code, 0, stderr);
      return { ...JSON.parse(stdout), peak };
    };

    const [small, large] = [folder.file("small"), folder.file("large")];
    await Deno.writeFile(small, new Uint8Array(16 * MIB).map((_, at) => at >> 8));
    using file = await Deno.open(large, { create: true, write: true });
    await file.truncate(SIZE);
    const first = await run("upload", small);
    const hubBefore = await peakOf(hub.child.pid);

    // The log tells of requests a moment later.
    await until(() => hub.parts === 2);
    const before = hub.parts;
    const killed = startMyfs(["upload", large], { env });
    await until(() => hub.parts >= before + 3);
    killed.kill("SIGKILL");
    await finish(killed);
    const rest = await run("upload", large);
    assert.equal(rest["size"], SIZE);
    const sent = Number(rest["sentBytes"]);
    assert.ok(sent > 0 && sent <= SIZE - 3 * 8 * MIB, `${sent} bytes were sent again`);

    const target = folder.file("back");
    const back = await run("download", String(rest["hash"]), "--output", target);
    const hash = createHash("sha256");
    using copy = await Deno.open(target);
    for await (const piece of copy.readable) hash.update(piece);
    assert.equal(hash.digest("hex"), rest["sha256"]);

    const growths = {
      hub: await peakOf(hub.child.pid) - hubBefore,
      upload: rest.peak - first.peak,
      download: back.peak - first.peak,
    };
    for (const [who, growth] of Object.entries(growths)) {
      assert.ok(growth < GROWTH_MAX, `${who} took ${growth / MIB} MiB more`);
    }
  },
);
