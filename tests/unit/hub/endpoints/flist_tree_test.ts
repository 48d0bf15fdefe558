/**
 * Goal: a directory of a strange flist costs the hub no more than a page of an ordinary one. Method:
 * a flist made by hand, through the endpoints in this process.
 */

import assert from "node:assert/strict";
import { parseFlistText } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

Deno.test("flist tree: links to paths without end are not all spelled out", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const [name, depth, count] = ["n".repeat(255), 400, 2000];
  const lines = ["myfs-flist-text 1 profile=myfs", "/ directory 0755 0:0 0 0.000000000"];
  // The links lie deeper than what they lead to, which is its first name then.
  let [deep, near] = ["", "/z"];
  lines.push(`${near} directory 0755 0:0 0 0.000000000`);
  for (let level = 0; level < depth; level++) {
    deep += `/${name}`;
    near += "/z";
    for (const path of [deep, near]) lines.push(`${path} directory 0755 0:0 0 0.000000000`);
  }
  lines.push(`${deep}/deep file 0644 0:0 0 0.000000000`);
  lines.push(`${near}/a file 0644 0:0 0 0.000000000`);
  lines.push(`${near}/b file 0644 0:0 0 0.000000000 link=${near}/a`);
  for (let index = 0; index < count; index++) {
    lines.push(`${near}/link${index} file 0644 0:0 0 0.000000000 link=${deep}/deep`);
  }
  const path = folder.file("deep.fl");
  parseFlistText(lines, path);
  const put = await hub.send("PUT", "/api/v1/flists/alice/deep/1", {
    as: "alice",
    body: await Deno.readFile(path),
  });
  assert.equal(put.status, 201, await put.text());
  const answer = await hub.send(
    "GET",
    `/api/v1/flists/alice/deep/1/tree?path=${near}&per_page=9999`,
    {
      as: "alice",
    },
  );
  const text = await answer.text();
  assert.equal(answer.status, 200, text.slice(0, 300));
  assert.ok(text.length < 2 ** 20, `${text.length} characters`);
  const { entries } = JSON.parse(text);
  assert.equal(entries.length, count + 2);
  const links = entries.map(({ hard_link_to }: { hard_link_to?: string }) => hard_link_to);
  assert.deepEqual([...new Set(links)], [undefined, `${near}/a`, "…"]);
});
