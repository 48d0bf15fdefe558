/** Goal: what the rfs profile drops is named, so that nothing is dropped in silence. */

import assert from "node:assert/strict";
import { profileLosses } from "../../../../lib/flist/profile_losses.ts";

const plain = { mtimeNsec: 0 };
const rich = { mtimeNsec: 1, hardLinkTo: 2, xattrs: new Map([["user.a", new Uint8Array()]]) };

Deno.test("profile losses: the rfs profile names each kind, the myfs profile loses nothing", () => {
  assert.deepEqual(profileLosses("rfs", rich), ["hard-link", "xattrs", "nanoseconds"]);
  assert.deepEqual(profileLosses("rfs", plain), []);
  assert.deepEqual(profileLosses("rfs", { ...plain, xattrs: new Map() }), []);
  assert.deepEqual(profileLosses("myfs", rich), []);
});
