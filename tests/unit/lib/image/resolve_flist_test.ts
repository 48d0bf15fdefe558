/**
 * Flists from elsewhere: downloaded once, asked for again only where they changed, checked against
 * their digest, and never half there.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { resolveFlist } from "../../../../lib/image/resolve_flist.ts";
import { HubCredentials } from "../../../../lib/hub_api/credentials.ts";
import { parseHubAddress } from "../../../../lib/hub_api/hub_address.ts";
import { ScriptedServer } from "../../../helpers/scripted_server.ts";

const CONTENT = "SQLite format 3, or so it says";
const DIGEST = createHash("sha256").update(CONTENT).digest("hex");

interface Place extends AsyncDisposable {
  readonly host: string;
  readonly cacheFolder: string;
  readonly statuses: number[];
  readonly authorizations: (string | null)[];
  content: string;
  etag: string;
}

/** A server that gives the same flist under every path, with an ETag, and a folder for a cache. */
async function place(): Promise<Place> {
  const cacheFolder = await Deno.makeTempDir();
  const statuses: number[] = [];
  const authorizations: (string | null)[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    authorizations.push(request.headers.get("authorization"));
    const same = request.headers.get("if-none-match") === here.etag;
    const missing = request.url.includes("missing");
    const status = missing ? 404 : same ? 304 : 200;
    statuses.push(status);
    return new Response(status === 200 ? here.content : null, {
      status,
      headers: { ETag: here.etag },
    });
  });
  const here: Place = {
    host: `127.0.0.1:${server.addr.port}`,
    cacheFolder,
    statuses,
    authorizations,
    content: CONTENT,
    etag: `"${DIGEST}"`,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await Deno.remove(cacheFolder, { recursive: true });
    },
  };
  return here;
}

Deno.test("resolve flist: a path is itself, and costs nothing", async () => {
  const options = { cacheFolder: "/nonexistent" };
  for (const path of ["a.fl", "/b/c.fl", "./hub:x"]) {
    assert.equal(await resolveFlist(path, options), path);
  }
});

for (const scheme of ["hub", "http"]) {
  Deno.test(`resolve flist: ${scheme}: downloaded once, and again when it changed`, async () => {
    await using here = await place();
    const name = `${scheme}://${here.host}/al/deb:1`;
    const path = await resolveFlist(name, here);
    assert.equal(await Deno.readTextFile(path), CONTENT);
    assert.equal(await resolveFlist(name, here), path);
    here.content = "another";
    here.etag = '"v2"';
    assert.equal(await Deno.readTextFile(await resolveFlist(name, here)), "another");
    assert.equal(await Deno.readTextFile(path), CONTENT, "users of the old one keep it");
    assert.deepEqual(here.statuses, [200, 304, 200]);
  });

  Deno.test(`resolve flist: ${scheme}: one with a digest is asked for once, and looked at`, async () => {
    await using here = await place();
    const digest = scheme === "hub" ? `/${DIGEST}` : `/x.fl#sha256=${DIGEST}`;
    const name = `${scheme}://${here.host}${digest}`;
    const path = await resolveFlist(name, here);
    assert.equal(await resolveFlist(name, here), path);
    assert.deepEqual(here.statuses, [200]);
    await Deno.writeTextFile(path, "damaged");
    assert.equal(await Deno.readTextFile(await resolveFlist(name, here)), CONTENT);
    here.content = "forged";
    await Deno.remove(path);
    await assert.rejects(resolveFlist(name, here), { code: "flist_format" });
    const left = await Array.fromAsync(
      Deno.readDir(`${here.cacheFolder}/flists`),
      ({ name }) => name,
    );
    assert.deepEqual(left, ["names"]);
  });

  Deno.test(`resolve flist: ${scheme}: one that is not there is named`, async () => {
    await using here = await place();
    const name = `${scheme}://${here.host}/al/missing:1`;
    await assert.rejects(resolveFlist(name, here), { code: "flist_not_found" });
  });

  Deno.test(`resolve flist: ${scheme}: a server that hangs up or is silent leaves nothing`, async () => {
    for (const silent of [false, true]) {
      await using server = new ScriptedServer(async (conn) => {
        await conn.read(new Uint8Array(4096));
        await conn.write(
          new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"),
        );
        if (silent) await conn.read(new Uint8Array(1)).catch(() => {});
      });
      const cacheFolder = await Deno.makeTempDir();
      const name = `${scheme}://127.0.0.1:${server.port}/al/deb:1`;
      await assert.rejects(resolveFlist(name, { cacheFolder, timeoutMs: 50 }), {
        code: "store_unavailable",
        message: silent ? /silent for 50 ms/ : /hung up/,
      });
      const left = await Array.fromAsync(Deno.readDir(`${cacheFolder}/flists`), ({ name }) => name);
      assert.deepEqual(left, ["names"]);
      await Deno.remove(cacheFolder, { recursive: true });
    }
  });
}

Deno.test("resolve flist: what a hub's ETag claims has to be so", async () => {
  await using here = await place();
  here.content = "forged";
  await assert.rejects(resolveFlist(`hub://${here.host}/al/deb:1`, here), { code: "flist_format" });
});

Deno.test("resolve flist: a hub gets the token of its user, a web server the password", async () => {
  await using here = await place();
  const credentials = new HubCredentials(`${here.cacheFolder}/hubs.json`);
  await credentials.set(parseHubAddress(`hub://${here.host}`), { user: "al", accessToken: "A" });
  const { cacheFolder } = here;
  await resolveFlist(`hub://${here.host}/al/deb:1`, { cacheFolder, credentials });
  await resolveFlist(`http://al:p%40w@${here.host}/x.fl`, { cacheFolder, credentials });
  assert.deepEqual(here.authorizations, ["Bearer A", `Basic ${btoa("al:p@w")}`]);
});

Deno.test("resolve flist: an abort ends it with its reason", async () => {
  await using here = await place();
  const signal = AbortSignal.abort(new Error("enough"));
  for (const scheme of ["hub", "http"]) {
    const name = `${scheme}://${here.host}/al/deb:1`;
    const { cacheFolder } = here;
    await assert.rejects(resolveFlist(name, { cacheFolder, signal }), /^Error: enough/);
  }
});
