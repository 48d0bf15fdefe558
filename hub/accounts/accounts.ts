/**
 * Users, their sessions and their API tokens.
 *
 * @module
 */

import type { Kysely, SelectQueryBuilder } from "kysely";
import type { Role, Scope, TokenInfo, UserInfo } from "../../lib/hub_api/messages/mod.ts";
import { UserName } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { preparedQuery } from "../database/prepared_query.ts";
import type { AccountRow, ApiTokenTable, HubTables } from "../database/tables.ts";
import type { AccessTokens } from "./access_token.ts";
import type { AuditLog, Origin } from "./audit_log.ts";
import { type Caller, permits } from "./caller.ts";
import type { PasswordHasher } from "./passwords.ts";
import { isSecret, newId, newSecret, secretHash } from "./secret_text.ts";
import type { SignInLimit } from "./sign_in_limit.ts";

/** Characters that a new password must have at least. Older ones, and rfs's, go on. */
export const PASSWORD_LENGTH_MIN = 8;

/** How often the time of a token's last use is written, in milliseconds. */
const LAST_USE_STEP_MS = 60_000;

const API_TOKEN_PREFIX = "myfs_";
const REFRESH_TOKEN_PREFIX = "myfsr_";

/** What accounts are made of. */
export interface AccountsParts {
  readonly database: Kysely<HubTables>;
  readonly passwords: PasswordHasher;
  readonly accessTokens: AccessTokens;
  readonly limit: SignInLimit;
  readonly audit: AuditLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** For how long a refresh token is good, in milliseconds. */
  readonly refreshLifetimeMs: number;
}

/** Tokens of a sign-in or a refresh. */
export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

/** A new user. */
export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly role: Role;
  readonly bytes_max?: number | null | undefined;
  readonly objects_max?: number | null | undefined;
}

/** What is to change of a user. */
export type UserChange = {
  readonly [Field in "role" | "password" | "disabled" | "bytes_max" | "objects_max"]?:
    | {
      role: Role;
      password: string;
      disabled: boolean;
      bytes_max: number | null;
      objects_max: number | null;
    }[Field]
    | undefined;
};

/** A new API token. */
export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly namespace?: string | undefined;
  /** Seconds. */
  readonly expires_in?: number | undefined;
}

/** A user, with what they take; null is nothing yet. */
type AccountWithUsage = AccountRow & {
  readonly bytes: number | null;
  readonly objects: number | null;
};

/** What of a session and its user counts with each request. */
interface SessionRow {
  readonly role: string;
  readonly disabled: number;
  readonly revoked_at: string | null;
}

/** Users, sessions and tokens in the database. */
export class Accounts {
  readonly #parts: AccountsParts;
  readonly #sessionRows: (session: string, user: string) => Promise<SessionRow[]>;

  constructor(parts: AccountsParts) {
    this.#parts = parts;
    // Asked with every request that has an access token.
    this.#sessionRows = preparedQuery(
      parts.database,
      parts.database.selectFrom("session")
        .innerJoin("account", "account.name", "session.account")
        .select(["account.role", "account.disabled", "session.revoked_at"])
        .where("session.id", "=", "").where("account.name", "=", ""),
    );
  }

  /** Signs in. @throws {HubProblem} the same one for a wrong name and a wrong password. */
  async signIn(user: string, password: string, origin: Origin): Promise<TokenPair> {
    const { database, passwords, limit, audit } = this.#parts;
    await limit.begin(user, origin.address);
    const account = await this.#account(user);
    const isRight = await passwords.matches(account?.password_hash, password);
    if (account === undefined || !isRight || account.disabled !== 0) {
      await audit.record({ ...origin, actor: user, action: "signin", outcome: "refused" });
      throw new HubProblem(401, "sign_in_failed", "User or password is wrong");
    }
    await limit.succeed(user, origin.address);
    if (passwords.isOutdated(account.password_hash)) {
      const password_hash = await passwords.hash(password);
      await database.updateTable("account").set({ password_hash }).where("name", "=", user)
        .execute();
    }
    const session = newId();
    const secret = newSecret();
    await database.insertInto("session").values({
      id: session,
      account: user,
      secret_hash: secretHash(secret),
      created_at: this.#time(),
      expires_at: this.#time(this.#parts.refreshLifetimeMs),
      revoked_at: null,
    }).execute();
    await audit.record({ ...origin, actor: user, action: "signin" });
    return await this.#pair(user, session, secret);
  }

  /**
   * Gives the next tokens for a refresh token, which is then used up. One that was used before ends
   * its whole session: somebody else has it.
   *
   * @throws {HubProblem} when it is not good.
   */
  async refresh(token: string, origin: Origin): Promise<TokenPair> {
    const { database, audit } = this.#parts;
    const parsed = parseToken(token, REFRESH_TOKEN_PREFIX);
    const session = parsed && await database.selectFrom("session").selectAll()
      .where("id", "=", parsed.id).executeTakeFirst();
    const invalid = new HubProblem(401, "token_invalid", "The refresh token is not good");
    if (
      parsed === undefined || session === undefined || session.revoked_at !== null ||
      session.expires_at <= this.#time()
    ) {
      await audit.record({ ...origin, action: "token.refresh", outcome: "refused" });
      throw invalid;
    }
    const secret = newSecret();
    const account = await this.#account(session.account);
    const isGood = isSecret(parsed.secret, session.secret_hash) && account?.disabled === 0;
    // The condition lets one of two requests at once through, and the other counts as a second use.
    const { numUpdatedRows } = isGood
      ? await database.updateTable("session").set({ secret_hash: secretHash(secret) })
        .where("id", "=", session.id).where("secret_hash", "=", session.secret_hash)
        .where("revoked_at", "is", null).executeTakeFirst()
      : { numUpdatedRows: 0n };
    if (numUpdatedRows !== 1n) {
      await this.#revokeSession(session.id);
      await audit.record({
        ...origin,
        actor: session.account,
        action: "token.refresh",
        outcome: "refused",
        detail: "used before, or made up: the session is ended",
      });
      throw invalid;
    }
    return await this.#pair(session.account, session.id, secret);
  }

  /** Ends the caller's session, and that of a refresh token. What is unknown is ended already. */
  async signOut(
    caller: Caller | undefined,
    refreshToken: string | undefined,
    origin: Origin,
  ): Promise<void> {
    const parsed = refreshToken === undefined
      ? undefined
      : parseToken(refreshToken, REFRESH_TOKEN_PREFIX);
    if (caller?.session !== undefined) await this.#revokeSession(caller.session);
    if (parsed !== undefined) {
      const session = await this.#parts.database.selectFrom("session").selectAll()
        .where("id", "=", parsed.id).executeTakeFirst();
      if (session !== undefined && isSecret(parsed.secret, session.secret_hash)) {
        await this.#revokeSession(session.id);
      }
    }
    const actor = caller === undefined ? {} : { actor: caller.user };
    await this.#parts.audit.record({ ...origin, ...actor, action: "signout" });
  }

  /** Who a Bearer token belongs to. @throws {HubProblem} when it is not good. */
  async authenticate(token: string): Promise<Caller> {
    return token.startsWith(API_TOKEN_PREFIX)
      ? await this.#apiCaller(token)
      : await this.#accessCaller(token);
  }

  async #accessCaller(token: string): Promise<Caller> {
    const { accessTokens, now } = this.#parts;
    const { user, session } = await accessTokens.read(token, now());
    const [row] = await this.#sessionRows(session, user);
    if (row === undefined || row.revoked_at !== null || row.disabled !== 0) {
      throw new HubProblem(401, "token_invalid", "The token is not good");
    }
    return { user, role: row.role as Role, scopes: scopesOf(row.role as Role), session };
  }

  async #apiCaller(token: string): Promise<Caller> {
    const { database, now } = this.#parts;
    const invalid = new HubProblem(401, "token_invalid", "The token is not good");
    const parsed = parseToken(token, API_TOKEN_PREFIX);
    if (parsed === undefined) throw invalid;
    const row = await database.selectFrom("api_token")
      .innerJoin("account", "account.name", "api_token.account")
      .selectAll("api_token").select(["account.role", "account.disabled"])
      .where("api_token.id", "=", parsed.id).executeTakeFirst();
    if (row === undefined || !isSecret(parsed.secret, row.secret_hash) || row.disabled !== 0) {
      throw invalid;
    }
    if (row.expires_at !== null && row.expires_at <= this.#time()) {
      throw new HubProblem(401, "token_expired", "The token has expired");
    }
    if (row.last_used_at === null || now() - Date.parse(row.last_used_at) > LAST_USE_STEP_MS) {
      // On a full disk, who reads can go on.
      await database.updateTable("api_token").set({ last_used_at: this.#time() })
        .where("id", "=", row.id).execute().catch(() => {});
    }
    const role = row.role as Role;
    // A user who lost a role loses it with every token.
    const scopes = toScopes(row.scopes).filter((scope) => scopesOf(role).includes(scope));
    return {
      user: row.account,
      role,
      scopes,
      ...(row.namespace === null ? {} : { namespace: row.namespace }),
    };
  }

  /**
   * Makes an API token, which can do no more than its maker.
   *
   * @returns The token, shown this once, and what is known of it.
   */
  async createToken(
    caller: Caller,
    wanted: NewToken,
    origin: Origin,
  ): Promise<TokenInfo & { readonly token: string }> {
    // Else one that leaked could make itself successors that do not expire.
    if (caller.session === undefined) {
      throw new HubProblem(403, "forbidden", "An API token cannot make tokens", "Sign in for it");
    }
    if (!wanted.scopes.every((scope) => permits(caller, scope))) {
      throw new HubProblem(403, "forbidden", "A token cannot do more than its maker");
    }
    const { namespace } = wanted;
    if (namespace !== undefined && wanted.scopes.includes("admin")) {
      throw new HubProblem(422, "unprocessable", "A token for administration has no namespace");
    }
    const secret = newSecret();
    const { expires_in: lifetime } = wanted;
    const row: ApiTokenTable = {
      id: newId(),
      account: caller.user,
      name: wanted.name,
      scopes: [...new Set(wanted.scopes)].join(" "),
      namespace: namespace ?? null,
      secret_hash: secretHash(secret),
      created_at: this.#time(),
      expires_at: lifetime === undefined ? null : this.#time(lifetime * 1000),
      last_used_at: null,
    };
    await this.#parts.database.insertInto("api_token").values(row).execute();
    await this.#parts.audit.record({
      ...origin,
      actor: caller.user,
      action: "token.create",
      object: row.id,
      detail: row.scopes,
    });
    return { ...toTokenInfo(row), token: `${API_TOKEN_PREFIX}${row.id}_${secret}` };
  }

  /** The API tokens of a user, the newest first. */
  async listTokens(user: string): Promise<TokenInfo[]> {
    const rows = await this.#parts.database.selectFrom("api_token").selectAll()
      .where("account", "=", user).orderBy("created_at", "desc").execute();
    return rows.map(toTokenInfo);
  }

  /** Ends an API token of the caller's. @throws {HubProblem} when they have none of that id. */
  async revokeToken(caller: Caller, id: string, origin: Origin): Promise<void> {
    // Else one that may only read could shut out all the others.
    if (caller.session === undefined) {
      throw new HubProblem(403, "forbidden", "An API token cannot end tokens", "Sign in for it");
    }
    const { numDeletedRows } = await this.#parts.database.deleteFrom("api_token")
      .where("id", "=", id).where("account", "=", caller.user).executeTakeFirst();
    if (numDeletedRows === 0n) throw new HubProblem(404, "not_found", "There is no such token");
    const { user: actor } = caller;
    await this.#parts.audit.record({ ...origin, actor, action: "token.revoke", object: id });
  }

  /** Makes a user. @throws {HubProblem} when there is one of that name, or the password is short. */
  async createUser(user: NewUser, actor: string, origin: Origin): Promise<UserInfo> {
    requireName(user.name);
    requireLength(user.password);
    const row: AccountRow = {
      name: user.name,
      role: user.role,
      password_hash: await this.#parts.passwords.hash(user.password),
      disabled: 0,
      created_at: this.#time(),
      bytes_max: user.bytes_max ?? null,
      objects_max: user.objects_max ?? null,
      configured_hash: null,
      configured_role: null,
    };
    const { numInsertedOrUpdatedRows } = await this.#parts.database.insertInto("account")
      .values(row).onConflict((conflict) => conflict.column("name").doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) {
      throw new HubProblem(409, "conflict", "There is a user of that name");
    }
    await this.#parts.audit.record({ ...origin, actor, action: "user.create", object: user.name });
    return toUserInfo({ ...row, bytes: 0, objects: 0 });
  }

  /** Changes a user. A new password, role or a disabled user ends the user's sessions. */
  async changeUser(
    name: string,
    change: UserChange,
    actor: string,
    origin: Origin,
  ): Promise<UserInfo> {
    const { database, passwords, audit } = this.#parts;
    const { password, disabled, ...rest } = change;
    if (password !== undefined) requireLength(password);
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    const values: Record<string, unknown> = Object.fromEntries(given);
    if (password !== undefined) values["password_hash"] = await passwords.hash(password);
    if (disabled !== undefined) values["disabled"] = disabled ? 1 : 0;
    await database.transaction().execute(async (transaction) => {
      if (Object.keys(values).length > 0) {
        await transaction.updateTable("account").set(values).where("name", "=", name).execute();
      }
      if (change.role === "user" || disabled === true) {
        const admin = await transaction.selectFrom("account").select("name")
          .where("role", "=", "admin").where("disabled", "=", 0).executeTakeFirst();
        if (admin === undefined) {
          throw new HubProblem(409, "conflict", "There would be no administrator left");
        }
      }
      if (password !== undefined || change.role !== undefined || disabled === true) {
        await transaction.updateTable("session").set({ revoked_at: this.#time() })
          .where("account", "=", name).where("revoked_at", "is", null).execute();
      }
    });
    const user = await this.user(name);
    const detail = Object.keys(change).filter((field) =>
      change[field as keyof UserChange] !== undefined
    ).join(" ");
    await audit.record({ ...origin, actor, action: "user.change", object: name, detail });
    return user;
  }

  /** A user, with what they take and may take. @throws {HubProblem} when there is none. */
  async user(name: string): Promise<UserInfo> {
    const row = await this.#withUsage().where("account.name", "=", name).executeTakeFirst();
    if (row !== undefined) return toUserInfo(row);
    throw new HubProblem(404, "user_not_found", "There is no such user");
  }

  /** Users by name, a page of them, and how many there are in all. */
  async listUsers(
    page = 1,
    perPage = Number.MAX_SAFE_INTEGER,
  ): Promise<{ readonly users: UserInfo[]; readonly total: number }> {
    const { database } = this.#parts;
    const { total } = await database.selectFrom("account")
      .select(({ fn }) => fn.countAll().as("total")).executeTakeFirstOrThrow();
    const rows = await this.#withUsage().orderBy("account.name")
      .limit(perPage).offset((page - 1) * perPage).execute();
    return { total: Number(total), users: rows.map(toUserInfo) };
  }

  /**
   * Makes a user of the configuration, or gives it the password and the role that the configuration
   * has now. What was changed elsewhere stays until the configuration's changes.
   *
   * @returns Whether anything changed.
   */
  async configureUser(user: NewUser): Promise<boolean> {
    const { database, passwords, audit } = this.#parts;
    requireName(user.name);
    const account = await this.#account(user.name);
    const { name, role } = user;
    const isSameRole = account?.configured_role === role;
    const isSamePassword = account?.configured_hash != null &&
      await passwords.matches(account.configured_hash, user.password);
    if (isSameRole && isSamePassword) return false;
    const hash = isSamePassword ? undefined : await passwords.hash(user.password);
    const password_hash = hash ?? account!.password_hash;
    const configured = {
      ...(isSameRole ? {} : { role, configured_role: role }),
      ...(hash === undefined ? {} : { password_hash, configured_hash: hash }),
    };
    await database.insertInto("account").values({
      name,
      role,
      password_hash,
      disabled: 0,
      created_at: this.#time(),
      bytes_max: null,
      objects_max: null,
      configured_hash: null,
      ...configured,
    }).onConflict((conflict) => conflict.column("name").doUpdateSet(configured)).execute();
    await database.updateTable("session").set({ revoked_at: this.#time() })
      .where("account", "=", name).where("revoked_at", "is", null).execute();
    const detail = Object.keys(configured).filter((field) => !field.startsWith("configured_"))
      .map((field) => field === "password_hash" ? "password" : field).join(" ");
    await audit.record({ actor: "config", action: "user.configure", object: name, detail });
    return true;
  }

  /** Removes sessions and failures that no longer count. */
  async clean(): Promise<void> {
    await this.#parts.limit.clean();
    await this.#parts.database.deleteFrom("session").where("expires_at", "<", this.#time())
      .execute();
  }

  #withUsage(): SelectQueryBuilder<HubTables, "account", AccountWithUsage> {
    return this.#parts.database.selectFrom("account")
      .leftJoin("usage", "usage.owner", "account.name")
      .selectAll("account").select(["usage.bytes", "usage.objects"]);
  }

  async #account(name: string): Promise<AccountRow | undefined> {
    return await this.#parts.database.selectFrom("account").selectAll().where("name", "=", name)
      .executeTakeFirst();
  }

  async #pair(user: string, session: string, secret: string): Promise<TokenPair> {
    const { accessTokens, now } = this.#parts;
    return {
      access_token: await accessTokens.make({ user, session }, now()),
      refresh_token: `${REFRESH_TOKEN_PREFIX}${session}_${secret}`,
      expires_in: accessTokens.lifetimeSeconds,
    };
  }

  async #revokeSession(id: string): Promise<void> {
    await this.#parts.database.updateTable("session").set({ revoked_at: this.#time() })
      .where("id", "=", id).where("revoked_at", "is", null).execute();
  }

  #time(afterMs = 0): string {
    return new Date(this.#parts.now() + afterMs).toISOString();
  }
}

function requireName(name: string): void {
  if (UserName.safeParse(name).success) return;
  throw new HubProblem(422, "unprocessable", "That cannot be the name of a user");
}

function requireLength(password: string): void {
  if ([...password].length >= PASSWORD_LENGTH_MIN) return;
  throw new HubProblem(
    422,
    "unprocessable",
    "The password is too short",
    `It needs ${PASSWORD_LENGTH_MIN} characters`,
  );
}

function parseToken(
  token: string,
  prefix: string,
): { readonly id: string; readonly secret: string } | undefined {
  if (!token.startsWith(prefix)) return undefined;
  const [, id, secret] = /^([0-9a-f]{24})_([A-Za-z0-9_-]{43})$/.exec(token.slice(prefix.length)) ??
    [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

function scopesOf(role: Role): readonly Scope[] {
  return role === "admin" ? ["read", "write", "admin"] : ["read", "write"];
}

function toScopes(text: string): Scope[] {
  return text.split(" ") as Scope[];
}

function toTokenInfo(row: ApiTokenTable): TokenInfo {
  return {
    id: row.id,
    name: row.name,
    scopes: toScopes(row.scopes),
    created_at: row.created_at,
    ...(row.namespace === null ? {} : { namespace: row.namespace }),
    ...(row.expires_at === null ? {} : { expires_at: row.expires_at }),
    ...(row.last_used_at === null ? {} : { last_used_at: row.last_used_at }),
  };
}

function toUserInfo(
  row: AccountWithUsage,
): UserInfo {
  return {
    name: row.name,
    role: row.role as Role,
    disabled: row.disabled !== 0,
    created_at: row.created_at,
    bytes_used: Number(row.bytes ?? 0),
    bytes_max: row.bytes_max,
    objects_used: Number(row.objects ?? 0),
    objects_max: row.objects_max,
  };
}
