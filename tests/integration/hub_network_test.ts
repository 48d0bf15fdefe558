/**
 * Goal: no registry that a user may name leads a hub to the network behind it, whatever it answers and
 * whatever names stand for. Method: a hub in a network of its own with a public address, where every
 * private address has a server that notes who asks.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { HubNetworkReport } from "../helpers/hub_network.ts";
import { requiringTest } from "../helpers/require.ts";
import { tryProgram } from "../helpers/run_program.ts";

requiringTest(
  ["linux", "root", "mount", "ip"],
  "hub conversion: no redirect, token server or name leads a hub to a private address",
  async () => {
    const helper = fileURLToPath(new URL("../helpers/hub_network.ts", import.meta.url));
    const { code, stdout, stderr } = await tryProgram(
      ...["unshare", "--net", "--mount", Deno.execPath()] as const,
      ...["run", "-A", "--quiet", helper],
    );
    assert.equal(code, 0, stderr);
    const { outcomes, hits } = JSON.parse(new TextDecoder().decode(stdout)) as HubNetworkReport;
    const allowed = Object.keys(outcomes).filter((name) => outcomes[name] === "finished");
    assert.deepEqual(allowed, ["11.22.33.44:5000/good", "outer.example.org:5000/good"]);
    const others = Object.entries(outcomes).filter(([name]) => !allowed.includes(name));
    assert.equal(others.length, 17);
    for (const [name, outcome] of others) assert.equal(outcome, "registry_denied", name);
    assert.deepEqual(hits, []);
  },
);
