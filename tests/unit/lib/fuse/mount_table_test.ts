/** Goal: mounts of ours are found in the kernel's table, whatever their paths are. */

import assert from "node:assert/strict";
import { findMount, listMounts, parseMountInfo } from "../../../../lib/fuse/mount_table.ts";
import { requiringTest } from "../../../helpers/require.ts";

const parse = (...lines: string[]) => parseMountInfo(new TextEncoder().encode(lines.join("\n")));

Deno.test("mount table: the fields of a mount", () => {
  const [mount] = parse(
    "36 35 0:45 / /mnt/a rw,noatime master:1 - ext4 /dev/root rw,errors=continue",
    "97 36 0:51 / /srv/image ro,nosuid,nodev,relatime shared:4 master:2 - fuse.myfs /a/b.fl " +
      "ro,user_id=1000,group_id=1000,default_permissions,allow_other",
  );
  assert.deepEqual(mount, {
    id: 97,
    target: "/srv/image",
    source: "/a/b.fl",
    device: "0:51",
    connection: 51,
    userId: 1000,
    allowsOthers: true,
    options: ["ro", "nosuid", "nodev", "relatime"],
  });
});

Deno.test("mount table: no optional fields, other kinds of mounts, and lines cut short", () => {
  const mounts = parse(
    "1 2 0:51 / /one ro - fuse.myfs x ro,user_id=0,group_id=0",
    "2 2 0:52 / /two ro - fuse.sshfs x ro,user_id=0,group_id=0",
    "3 2 0:53 / /fuse.myfs ro - tmpfs fuse.myfs rw",
    "4 2 0:54 /",
    "",
  );
  assert.deepEqual(mounts.map(({ target }) => target), ["/one"]);
  assert.equal(mounts[0]!.allowsOthers, false);
});

Deno.test("mount table: escapes in paths and names are undone, and other bytes kept", () => {
  const line = String.raw`5 2 0:9 / /a\040b\011c\012d\134e ro - fuse.myfs s\040t\043u ro,user_id=0`;
  const bytes = [...new TextEncoder().encode(line.replace("/a", "/\u0001"))];
  const mounts = parseMountInfo(Uint8Array.from(bytes, (byte) => byte === 1 ? 0xff : byte));
  assert.equal(mounts[0]!.target, "/\udcff b\tc\nd\\e");
  assert.equal(mounts[0]!.source, "s t#u");
});

Deno.test("mount table: connections are numbered as the kernel does it", () => {
  assert.equal(parse("5 2 3:7 / /a ro - fuse.myfs s ro")[0]!.connection, 3 * 2 ** 20 + 7);
});

requiringTest(["linux"], "mount table: this system's can be read", async () => {
  assert.ok(Array.isArray(await listMounts()));
  assert.equal(await findMount("/no/such/mount"), undefined);
});
