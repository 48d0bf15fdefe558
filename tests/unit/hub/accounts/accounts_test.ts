/** Goal: sessions, tokens and users hold together when requests meet each other. */

import assert from "node:assert/strict";
import { hash } from "@node-rs/argon2";
import { AccessTokens } from "../../../../hub/accounts/access_token.ts";
import { Accounts } from "../../../../hub/accounts/accounts.ts";
import { AuditLog } from "../../../../hub/accounts/audit_log.ts";
import { PasswordHasher } from "../../../../hub/accounts/passwords.ts";
import { SignInLimit } from "../../../../hub/accounts/sign_in_limit.ts";
import { openDatabase } from "../../../../hub/database/open_database.ts";
import type { HubTables } from "../../../../hub/database/tables.ts";
import { createLog } from "../../../../hub/log.ts";
import { HubProblem } from "../../../../lib/hub_api/problem.ts";
import type { Kysely } from "kysely";

const PASSWORD = "correct horse";

/** Counts what costs time. */
class CountingHasher extends PasswordHasher {
  hashes = 0;
  checks = 0;

  override hash(password: string): Promise<string> {
    this.hashes++;
    return super.hash(password);
  }

  override matches(stored: string | undefined, password: string): Promise<boolean> {
    this.checks++;
    return super.matches(stored, password);
  }
}

/** Accounts in memory, with the user alice. */
class Place implements AsyncDisposable {
  readonly database: Kysely<HubTables>;
  readonly accounts: Accounts;
  readonly passwords = new CountingHasher();
  now = Date.parse("2026-01-01T00:00:00Z");

  private constructor(database: Kysely<HubTables>) {
    this.database = database;
    const now = (): number => this.now;
    this.accounts = new Accounts({
      database,
      passwords: this.passwords,
      accessTokens: new AccessTokens("s".repeat(32), 3600),
      limit: new SignInLimit(database, now),
      audit: new AuditLog(database, createLog({ format: "json", write: () => {} }), now),
      now,
      refreshLifetimeMs: 86_400_000,
    });
  }

  static async open(): Promise<Place> {
    const place = new Place(await openDatabase(":memory:"));
    await place.accounts.createUser(
      { name: "alice", password: PASSWORD, role: "admin" },
      "test",
      {},
    );
    return place;
  }

  signIn(): ReturnType<Accounts["signIn"]> {
    return this.accounts.signIn("alice", PASSWORD, {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.database.destroy();
  }
}

async function refused(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(() => assert.fail("it was let through"), (error) => error);
  assert.ok(error instanceof HubProblem, `${error}`);
  assert.equal(error.code, code);
}

Deno.test("accounts: of two refreshes at once one is good, and the session ends", async () => {
  await using place = await Place.open();
  const { refresh_token } = await place.signIn();
  const results = await Promise.allSettled([
    place.accounts.refresh(refresh_token, {}),
    place.accounts.refresh(refresh_token, {}),
  ]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const [good] = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  await refused(place.accounts.authenticate(good!.access_token), "token_invalid");
  await refused(place.accounts.refresh(good!.refresh_token, {}), "token_invalid");
  // Another sign-in is not concerned.
  const { access_token } = await place.signIn();
  assert.equal((await place.accounts.authenticate(access_token)).user, "alice");
});

Deno.test("accounts: tokens that were cut, changed or made up are refused", async () => {
  await using place = await Place.open();
  const { accounts } = place;
  const { access_token, refresh_token } = await place.signIn();
  const caller = await accounts.authenticate(access_token);
  const { token } = await accounts.createToken(caller, { name: "a", scopes: ["write"] }, {});
  assert.deepEqual((await accounts.authenticate(token)).scopes, ["write"]);
  const changed = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  for (const bad of [changed, token.slice(0, -1), `${token}A`, "myfs_", refresh_token, ""]) {
    await refused(accounts.authenticate(bad), "token_invalid");
  }
  for (const bad of [token, access_token, "", "myfsr_x_y"]) {
    await refused(accounts.refresh(bad, {}), "token_invalid");
  }
  // None of which ended the session that is real.
  await accounts.refresh(refresh_token, {});
});

Deno.test("accounts: two administrators cannot shut each other out at the same time", async () => {
  await using place = await Place.open();
  const { accounts } = place;
  await accounts.createUser({ name: "bob", password: PASSWORD, role: "admin" }, "test", {});
  const results = await Promise.allSettled([
    accounts.changeUser("alice", { disabled: true }, "bob", {}),
    accounts.changeUser("bob", { role: "user" }, "alice", {}),
  ]);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("accounts: one of many that make the same user does so", async () => {
  await using place = await Place.open();
  const make = (): Promise<unknown> =>
    place.accounts.createUser({ name: "carol", password: PASSWORD, role: "user" }, "test", {});
  const results = await Promise.allSettled([make(), make(), make()]);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  for (const name of ["", "../x", "a b", ".", "x".repeat(65), "ü"]) {
    const user = { name, password: PASSWORD, role: "user" } as const;
    await refused(place.accounts.createUser(user, "test", {}), "unprocessable");
  }
});

Deno.test("accounts: a hash with weaker parameters is renewed at the next sign-in", async () => {
  await using place = await Place.open();
  const weak = await hash(PASSWORD, { memoryCost: 8192, timeCost: 1 });
  await place.database.updateTable("account").set({ password_hash: weak }).execute();
  await refused(place.accounts.signIn("alice", "wrong", {}), "sign_in_failed");
  await place.signIn();
  const { password_hash } = await place.database.selectFrom("account").select("password_hash")
    .executeTakeFirstOrThrow();
  assert.match(password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  await place.signIn();
});

Deno.test("accounts: what the configuration says counts when it changes, and only then", async () => {
  await using place = await Place.open();
  const { accounts } = place;
  const configured = (password: string, role: "user" | "admin"): Promise<boolean> =>
    accounts.configureUser({ name: "dora", password, role });
  const signIn = (password: string): Promise<unknown> => accounts.signIn("dora", password, {});
  assert.equal(await configured("short", "user"), true);
  await signIn("short");
  assert.equal(await configured("short", "user"), false);
  await accounts.changeUser("dora", { password: "by hand!", role: "admin" }, "alice", {});
  assert.equal(await configured("short", "user"), false);
  await signIn("by hand!");
  await refused(signIn("short"), "sign_in_failed");

  assert.equal(await configured("short", "admin"), true);
  await signIn("by hand!");
  const { users } = await accounts.listUsers();
  assert.equal(users.find(({ name }) => name === "dora")?.role, "admin");
  assert.equal(await configured("newer", "admin"), true);
  await signIn("newer");
  // Whoever was shut out stays so.
  await accounts.changeUser("dora", { disabled: true }, "alice", {});
  await configured("newest", "admin");
  await refused(signIn("newest"), "sign_in_failed");
});

Deno.test("accounts: sessions that have ended are removed", async () => {
  await using place = await Place.open();
  await place.signIn();
  place.now += 86_400_001;
  await place.signIn();
  await place.accounts.clean();
  const sessions = await place.database.selectFrom("session").selectAll().execute();
  assert.equal(sessions.length, 1);
});

Deno.test("accounts: a sign-in that fails costs the same work, whatever is wrong about it", async () => {
  await using place = await Place.open();
  const { accounts, database, passwords } = place;
  const user = { name: "carol", password: PASSWORD, role: "user" } as const;
  await accounts.createUser(user, "test", {});
  await accounts.changeUser("carol", { disabled: true }, "test", {});
  const rowsOf = async (): Promise<number[]> => {
    const counts: number[] = [];
    for (const table of ["audit", "session", "sign_in_attempt"] as const) {
      const { total } = await database.selectFrom(table)
        .select(({ fn }) => fn.countAll().as("total")).executeTakeFirstOrThrow();
      counts.push(Number(total));
    }
    return counts;
  };
  const costs: unknown[] = [];
  for (
    const [name, password] of [
      ["alice", "wrong"],
      ["nobody", "wrong"],
      ["nobody\u0000", PASSWORD],
      ["carol", PASSWORD],
    ] as const
  ) {
    const before = await rowsOf();
    passwords.hashes = passwords.checks = 0;
    const error = await accounts.signIn(name, password, {}).catch((error) => error);
    const { hashes, checks } = passwords;
    const rows = (await rowsOf()).map((count, at) => count - before[at]!);
    costs.push({ hashes, checks, rows, message: error.message, code: error.code });
  }
  const message = "User or password is wrong";
  const expected = { hashes: 0, checks: 1, rows: [1, 0, 1], message, code: "sign_in_failed" };
  assert.deepEqual(costs, Array(4).fill(expected));
});
