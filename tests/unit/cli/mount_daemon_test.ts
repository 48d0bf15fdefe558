/**
 * The arguments of a mount in the background are known before the command line is parsed. Where that
 * is not plain to see, they are left to the parser, which comes to the right answer later.
 */

import assert from "node:assert/strict";
import { mountCommand } from "../../../cli/commands/mount.ts";
import { MOUNT_SWITCHES, startsDaemon } from "../../../cli/mount_daemon.ts";

Deno.test("mount in the background: it is told by its arguments", () => {
  const yes = [
    "mount -d a.fl mnt",
    "mount a.fl mnt --daemon",
    "mount --meta a.fl --daemon mnt",
    "mount --quiet --daemon a.fl mnt",
    "mount --log=x -d a.fl mnt",
    "mount a.fl mnt --cache -d",
  ];
  const no = [
    "",
    "mount a.fl mnt",
    "umount -d mnt",
    "mounts --daemon",
    // The name of a log, and of a target.
    "mount --log -d a.fl mnt",
    "mount a.fl -- -d",
    // Help is for whoever asks.
    "mount -d --help",
    "mount -h -d",
  ];
  const found = [...yes, ...no].filter((line) => startsDaemon(line.split(" ")));
  assert.deepEqual(found, yes);
});

Deno.test("mount in the background: the options without values are those of the command", () => {
  const command = mountCommand(() => Promise.resolve());
  const switches = command.options.filter(({ required }) => !required)
    .flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
  assert.deepEqual(MOUNT_SWITCHES.toSorted(), switches.toSorted());
});
