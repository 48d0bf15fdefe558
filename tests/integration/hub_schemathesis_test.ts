/**
 * Goal: whatever request can be made of the OpenAPI document, good or bad, the hub answers as the
 * document says, and fails at none. Method: schemathesis with all of its checks.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { programPath } from "../helpers/ci_programs.ts";
import { HubServer } from "../helpers/hub_server.ts";
import { requiringTest } from "../helpers/require.ts";

const FOLDER = fileURLToPath(new URL("../helpers/schemathesis", import.meta.url));

/** Examples of each request; `MYFS_HUB_EXAMPLES=200 SEED=…` for the long form. */
const EXAMPLES = Deno.env.get("MYFS_HUB_EXAMPLES") ?? "4";
/** The same requests each time: what another seed finds is no fault of the change under test. */
const SEED = Deno.env.get("SEED") ?? "1";

requiringTest(
  ["schemathesis"],
  "hub: no request that can be made of its OpenAPI document fails",
  async () => {
    await using hub = await HubServer.start(
      "rate_limit_per_second = 0\naccount_rate_limit_per_second = 0\nbody_bytes_max = 1048576\n" +
        // No request of this test goes beyond this machine.
        'registries = ["127.0.0.1:1"]',
    );
    const { access_token: token } = await hub.signIn("alice");
    // A user of whom no example speaks: the requests would take their own rights away.
    const json = { username: "root", password: "root's password" };
    const user = { name: json.username, password: json.password, role: "admin" };
    await hub.ask(201, "POST", "/api/v1/users", { token, json: user });
    const { access_token: root } = await hub.ask(201, "POST", "/api/v1/signin", { json });
    // So that there is a job to ask for.
    const image = { image_name: "127.0.0.1:1/app" };
    await hub.ask(201, "POST", "/api/v1/fl", { token: root, json: image });
    const { success, stdout, stderr } = await new Deno.Command(programPath("schemathesis")!, {
      args: [
        ...["--config-file", `${FOLDER}/schemathesis.toml`],
        ...["run", `${hub.url}/api-docs/openapi.json`, "--url", hub.url],
        ...["--header", `Authorization: Bearer ${root}`],
        ...["--max-examples", EXAMPLES, "--seed", SEED],
        ...["--continue-on-failure", "--no-color"],
        // It ends the session of those who send it.
        ...["--exclude-path", "/api/v1/signout"],
      ],
      cwd: hub.folder.path,
      env: { PYTHONPATH: FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
    }).output();
    const decoder = new TextDecoder();
    const report = decoder.decode(stdout);
    assert.ok(success, `SEED=${SEED}\n${report}\n${decoder.decode(stderr)}`);
    const lines = hub.log.map((line) => JSON.parse(line));
    assert.deepEqual(lines.filter(({ level }) => level === "error"), [], `SEED=${SEED}`);
    const served = lines.filter(({ event, status }) => event === "request" && status < 300);
    assert.ok(served.length > 100, `Only ${served.length} requests were served`);
    // The adapter of node's server waits half a second for the rest of a body that was refused.
    await new Promise((resolve) => setTimeout(resolve, 700));
  },
);
