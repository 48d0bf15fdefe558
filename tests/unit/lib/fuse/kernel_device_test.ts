/** Goal: what cannot be mounted on is told before anything happens. */

import assert from "node:assert/strict";
import { MountError } from "../../../../lib/base/errors.ts";
import { mountDevice } from "../../../../lib/fuse/kernel_device.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

requiringTest(
  ["linux"],
  "kernel device: a target that is missing or a file is refused",
  async () => {
    using folder = new TempFolder();
    await Deno.writeTextFile(folder.file("file"), "");
    const mount = (name: string) => mountDevice(folder.file(name), { source: "x" });
    await assert.rejects(
      mount("absent"),
      (error) =>
        error instanceof MountError && error.reason === "it does not exist" &&
        error.errno === "ENOENT",
    );
    await assert.rejects(
      mount("file"),
      (error) => error instanceof MountError && error.target === folder.file("file"),
    );
  },
);
