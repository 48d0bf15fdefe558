/** Goal: a holder is found, gives its descriptors away, and ends by itself. */

import assert from "node:assert/strict";
import { SystemError } from "../../../../lib/base/errors.ts";
import { closeDescriptor } from "../../../../lib/fuse/device_file.ts";
import {
  findHolder,
  startHolder,
  stopHolder,
  takeDescriptors,
} from "../../../../lib/fuse/takeover.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { until } from "../../../helpers/until.ts";

const TAKEOVER = new URL("../../../../lib/fuse/takeover.ts", import.meta.url).href;

/** A device that is mounted for as long as the machine runs: that of /proc. */
const MOUNTED = Deno.readTextFileSync("/proc/self/mountinfo")
  .split("\n").map((line) => line.split(" ")).find((fields) => fields[4] === "/proc")?.[2];

requiringTest(["linux"], "takeover: a holder without a mount ends by itself", async () => {
  // It waits for the end of the process that started it first.
  const script = `import { startHolder } from ${JSON.stringify(TAKEOVER)};
    console.log(startHolder("0:999999", [0]).pid);`;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
  const pid = Number(new TextDecoder().decode(stdout));
  await until(async () => (await findHolder("0:999999")) === undefined);
  const gone = { pid, device: "0:999999", descriptors: [0], label: "" };
  assert.throws(() => takeDescriptors(gone), SystemError);
  await stopHolder(gone);
});

requiringTest(["linux"], "takeover: descriptors that are taken are the same files", async () => {
  using socket = new SocketDevice();
  const label = `a label, with "marks"`;
  const holder = startHolder(MOUNTED!, [socket.fd], { label });
  try {
    const found = await findHolder(MOUNTED!);
    assert.deepEqual(found, holder);
    const [copy] = takeDescriptors(found!);
    const link = (fd: number): string => Deno.readLinkSync(`/proc/self/fd/${fd}`);
    assert.notEqual(copy, socket.fd);
    assert.equal(link(copy!), link(socket.fd));
    closeDescriptor(copy!);
  } finally {
    await stopHolder(holder);
  }
  await until(async () => (await findHolder(MOUNTED!)) === undefined);
});

requiringTest(
  ["linux"],
  "takeover: a holder whose daemon is dead waits no longer than asked",
  async () => {
    const script = `import { startHolder } from ${JSON.stringify(TAKEOVER)};
    console.log(startHolder(${JSON.stringify(MOUNTED)}, [0], { graceSeconds: 1 }).pid);`;
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", script],
    }).output();
    assert.ok(success);
    const pid = Number(new TextDecoder().decode(stdout));
    const name = () => Deno.readTextFileSync(`/proc/${pid}/cmdline`);
    assert.match(name(), /myfs-mount-holder/);
    await until(() => {
      try {
        // Its entry stays until whoever inherited it looks.
        return name() === "";
      } catch {
        return true;
      }
    });
  },
);

requiringTest(
  ["linux"],
  "takeover: a holder starts another daemon, and gives up in time",
  async () => {
    using folder = new TempFolder();
    const log = folder.file("log");
    const command = [
      "/bin/sh",
      "-c",
      `echo "$1 $(readlink /proc/self/fd/0)" >> ${log}`,
      "x",
      "a b",
    ];
    const options = JSON.stringify({ graceSeconds: 0, command });
    const script = `import { startHolder } from ${JSON.stringify(TAKEOVER)};
    startHolder(${JSON.stringify(MOUNTED)}, [0], ${options});`;
    await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
    await until(async () => (await findHolder(MOUNTED!)) === undefined);
    // Five that die at once are enough.
    assert.equal(await Deno.readTextFile(log), "a b /dev/null\n".repeat(5));
  },
);

requiringTest(
  ["linux"],
  "takeover: whoever a holder started ends it with its mount, though another one has the number",
  async () => {
    using folder = new TempFolder();
    const log = folder.file("log");
    // As the process of a mount that was taken over does when that has ended.
    const ending = `import { findHolder, stopHolder } from ${JSON.stringify(TAKEOVER)};
      const holder = await findHolder(${JSON.stringify(MOUNTED)});
      await stopHolder(holder);
      Deno.writeTextFileSync(${JSON.stringify(log)}, "ended", { append: true });`;
    const command = [Deno.execPath(), "eval", ending];
    const options = JSON.stringify({ graceSeconds: 60, command });
    const script = `import { startHolder } from ${JSON.stringify(TAKEOVER)};
      startHolder(${JSON.stringify(MOUNTED)}, [0], ${options});`;
    await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
    await until(async () => (await findHolder(MOUNTED!)) === undefined);
    await until(async () => await Deno.readTextFile(log).catch(() => "") === "ended");
  },
);
