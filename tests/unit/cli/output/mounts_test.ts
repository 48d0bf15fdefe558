/** Goal: a mount's lines say what its user wants to know, and nothing that is not known. */

import assert from "node:assert/strict";
import { mountLines } from "../../../../cli/output/mounts.ts";
import type { MountedImage } from "../../../../mod.ts";

const MOUNT: MountedImage = {
  target: "/mnt",
  meta: "/a.fl",
  userId: 7,
  allowsOthers: false,
  upper: undefined,
  state: "stale",
  pid: undefined,
  status: undefined,
};
const options = { display: (text: string) => text, users: new Map([[7, "ann"]]), nowMs: 200_000 };

Deno.test("mount lines: of a mount that nobody serves", () => {
  assert.deepEqual(mountLines(MOUNT, options), ["stale     /mnt  /a.fl", "          by ann"]);
});

Deno.test("mount lines: of one that does its work", () => {
  const mount: MountedImage = {
    ...MOUNT,
    userId: 8,
    upper: "/upper",
    state: "alive",
    pid: 12,
    status: {
      meta: "/a.fl",
      pid: 12,
      servedSinceMs: 10_000,
      isKept: true,
      bytesRead: 2048,
      errors: 2,
      lastFault: { message: "It broke" },
      cachedShare: 0.999,
      hitRate: 0.5,
      cacheFolder: "/cache",
      stores: [{ store: "http://far", requests: 9, errors: 1, p50Ms: 20.4, p95Ms: 40 }],
    },
  };
  assert.deepEqual(mountLines(mount, options), [
    "alive     /mnt  /a.fl",
    "          by 8, process 12, changes in /upper, for 3 min, 99 % here, 2.00 KiB read, " +
    "50 % from the cache, http://far takes 20 ms, 2 errors, the last: It broke",
  ]);
});
