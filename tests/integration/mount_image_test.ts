/**
 * Goal: programs see in a mounted image exactly what was packed, and a mount leaves nothing behind.
 * Method: real mounts, compared with the packed trees by rsync and our dump.
 */

import assert from "node:assert/strict";
import { packDirectory } from "../../lib/image/pack.ts";
import { type MountEvent, mountImage } from "../../lib/mount/mount_image.ts";
import { listMountedImages, unmountImage } from "../../lib/mount/mounts.ts";
import { buildOddTree } from "../helpers/odd_tree.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

/** Runs a program that must end in a minute; a mount that hangs must not hang the tests. */
async function run(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["--signal=KILL", "60", command, ...args],
    env: { LC_ALL: "C" },
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, `${command} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

requiringTest(
  ["root", "fuse", "python3", "rsync"],
  "mount image: an odd tree is what was packed",
  async () => {
    using folder = new TempFolder();
    const source = folder.file("tree");
    buildOddTree(source);
    // Deeper than rsync can go.
    await Deno.remove(`${source}/deep`, { recursive: true }).catch(() =>
      run("rm", "-rf", `${source}/deep`)
    );
    const meta = folder.file("a.fl");
    await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    const target = folder.tree("mnt");
    const events: MountEvent[] = [];
    {
      await using mount = await mountImage(meta, target, {
        store: `dir://${folder.file("blocks")}`,
        onEvent: (event) => events.push(event),
      });
      assert.equal(mount.target, target);
      const changes = await run(
        "rsync",
        "-aHAXn",
        "--checksum",
        // Our dump looks at the largest, and takes a fraction of the time.
        "--max-size=100m",
        "--itemize-changes",
        "--delete",
        `${source}/`,
        `${target}/`,
      );
      assert.equal(changes, "");
      assertSameDump(dumpTree(target), dumpTree(source));
      const [mounted] = (await listMountedImages()).filter((each) => each.target === target);
      assert.deepEqual(mounted, {
        target,
        meta,
        userId: 0,
        allowsOthers: true,
        state: "serving",
      });
      const { requests, bytesRead, errors } = mount.statistics();
      assert.ok(
        (requests.LOOKUP ?? 0) + (requests.READDIRPLUS ?? 0) > 0,
        Object.keys(requests).join(),
      );
      assert.ok(bytesRead > 0);
      assert.equal(errors, 0);
    }
    assert.deepEqual(events, []);
    assert.deepEqual(folder.names("mnt"), []);
    assert.equal(await unmountImage(target), "not mounted");
  },
);
