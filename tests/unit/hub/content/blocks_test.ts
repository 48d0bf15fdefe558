/**
 * Goal: keeping a block takes the same steps whether others have it or not, where nobody is to learn
 * what others have; what a quota has no room for never reaches the store; and nobody is told the ids of
 * others' blocks. Method: the content of a hub in this process, with a store that notes its calls.
 */

import assert from "node:assert/strict";
import { checkIncoming, type IncomingBlock, rfsBlockId } from "../../../../hub/content/blocks.ts";
import { blake3, MemoryStore, parseBlockId, type Store } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

const block = (text: string): IncomingBlock => {
  const bytes = new TextEncoder().encode(text);
  return { id: rfsBlockId(bytes), block: bytes };
};

/** A store in memory, and what it was asked. */
function noting(): { readonly store: Store; readonly calls: string[] } {
  const calls: string[] = [];
  const store = new Proxy(new MemoryStore("hub blocks"), {
    get(target, name): unknown {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const [id, bytes, options] = args;
        const size = bytes instanceof Uint8Array ? ` ${bytes.length}` : "";
        calls.push(`${String(name)}${size}${options ? ` ${JSON.stringify(options)}` : ""}`);
        void id;
        return value.apply(target, args);
      };
    },
  });
  return { store, calls };
}

Deno.test("blocks: within one user, storing what others have takes the same steps as what is new", async () => {
  const { store, calls } = noting();
  await using hub = await HubContent.open({ store, dedup: "user" });
  const { blocks } = hub.content;
  const theirs = block("they have it");
  await blocks.put("alice", [theirs]);
  const stepsOf = async (owner: string, given: IncomingBlock): Promise<[boolean[], string[]]> => {
    calls.length = 0;
    return [await blocks.put(owner, [given]), [...calls]];
  };
  const [newAnswer, newSteps] = await stepsOf("bob", block("nobody has!!"));
  const [sameAnswer, sameSteps] = await stepsOf("bob", theirs);
  assert.deepEqual(newAnswer, [true]);
  assert.deepEqual(sameAnswer, newAnswer);
  assert.deepEqual(sameSteps, newSteps);
  assert.deepEqual(newSteps, ['put 12 {"replace":true}', "flush"]);
  // One's own is told, and costs less.
  const [ownAnswer, ownSteps] = await stepsOf("bob", theirs);
  assert.deepEqual(ownAnswer, [false]);
  assert.deepEqual(ownSteps, ['put 12 {"replace":false}', "flush"]);

  // Nor does the store hear of it when somebody asks for what is not theirs.
  calls.length = 0;
  for (const id of [block("alice's own").id, block("nobody's").id, theirs.id]) {
    assert.equal(await blocks.find(id, "carol"), undefined);
    await assert.rejects(blocks.sizeOf(id, "carol"), { status: 404 });
  }
  assert.deepEqual(await blocks.missing("carol", [theirs.id]), [theirs.id]);
  assert.deepEqual(calls, []);
});

Deno.test("blocks: each that comes has the digest that it is said to have", () => {
  const { id, block: bytes } = block("content");
  checkIncoming(id, bytes);
  checkIncoming(parseBlockId(blake3(bytes).toHex()), bytes);
  const other = bytes.slice();
  other[0]! ^= 1;
  assert.throws(() => checkIncoming(id, other), { status: 422, code: "digest_mismatch" });
  assert.throws(() => checkIncoming(id, new Uint8Array()), { status: 400 });
});

function blockOf(byte: number): { readonly path: string; readonly body: Uint8Array<ArrayBuffer> } {
  const body = new Uint8Array(100).fill(byte);
  return { path: `/api/v1/block/${blake3(body).toHex()}`, body };
}

Deno.test("blocks: what has no room is not stored, and what the user has needs none", async () => {
  await using hub = await HubContent.open();
  await hub.limit("alice", { bytes: 150, objects: 1 });
  const put = async (byte: number): Promise<number> => {
    const { path, body } = blockOf(byte);
    const answer = await hub.send("PUT", path, { as: "alice", body });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await put(1), 201);
  assert.equal(await put(2), 507);
  await hub.limit("alice", { bytes: 150, objects: 9 });
  assert.equal(await put(2), 507);
  assert.equal((await Array.fromAsync(hub.store.list!())).length, 1, "only the first is stored");
  await hub.limit("alice", { bytes: 100, objects: 1 });
  assert.equal(await put(1), 200);
});

Deno.test("blocks: where they are shared, an id is still only told to those who may know it", async () => {
  await using hub = await HubContent.open();
  const { path, body } = blockOf(1);
  assert.equal((await hub.send("PUT", path, { as: "alice", body })).status, 201);
  const listed = async (as?: string): Promise<number> => {
    const who = as === undefined ? {} : { as };
    const { total } = await (await hub.send("GET", "/api/v1/blocks", who)).json();
    return total;
  };
  assert.deepEqual([await listed("alice"), await listed("bob"), await listed()], [1, 0, 0]);
  // Whoever knows the id has it, as rfs's clients do.
  const got = await hub.send("GET", path);
  assert.deepEqual(await got.bytes(), body);
});
