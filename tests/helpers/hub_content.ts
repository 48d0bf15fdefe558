/**
 * The content endpoints of a hub in this process, with accounts and tokens made by the test: what a
 * test of them needs, and nothing that listens.
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { AuditLog } from "../../hub/accounts/audit_log.ts";
import { Content, type ContentOptions } from "../../hub/content/content.ts";
import type { HubApp, HubEnvironment, Notes } from "../../hub/context.ts";
import { openDatabase } from "../../hub/database/open_database.ts";
import type { HubTables } from "../../hub/database/tables.ts";
import { registerContentEndpoints } from "../../hub/endpoints/content.ts";
import { createLog } from "../../hub/log.ts";
import { problemResponse, toProblem } from "../../hub/problem_response.ts";
import { openStore, type Store } from "../../mod.ts";
import { TempFolder } from "./temp_folder.ts";

/** What a test may choose. */
export interface HubContentOptions
  extends Partial<Omit<ContentOptions, "database" | "flistDirectory">> {
  /** Users that there are. @default alice, bob */
  readonly users?: readonly string[];
  /** Folder that outlives the hub: for tests that open it again. */
  readonly folder?: string;
}

/** Endpoints, without a server. A token is the name of a user. */
export class HubContent implements AsyncDisposable {
  readonly app: HubApp;
  readonly content: Content;
  readonly database: Kysely<HubTables>;
  readonly store: Store;
  readonly folder: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: {
      readonly content: Content;
      readonly database: Kysely<HubTables>;
      readonly store: Store;
      readonly folder: string;
    },
    stack: AsyncDisposableStack,
  ) {
    this.content = parts.content;
    this.database = parts.database;
    this.store = parts.store;
    this.folder = parts.folder;
    this.#stack = stack;
    const log = createLog({ format: "json", write: () => {} });
    const audit = new AuditLog(parts.database, log, Date.now);
    this.app = makeApp(parts.content, { audit, log });
  }

  /** Opens one in a temporary folder. */
  static async open(options: HubContentOptions = {}): Promise<HubContent> {
    await using stack = new AsyncDisposableStack();
    const folder = options.folder ?? stack.use(new TempFolder()).path;
    const database = await openDatabase(`${folder}/hub.sqlite`);
    stack.defer(() => database.destroy());
    const { users = ["alice", "bob"], folder: _folder, store: given, ...rest } = options;
    for (const name of users) {
      await database.insertInto("account").values({
        name,
        role: "user",
        password_hash: "",
        disabled: 0,
        created_at: "",
        bytes_max: null,
        objects_max: null,
        configured_hash: null,
      }).onConflict((conflict) => conflict.column("name").doNothing()).execute();
    }
    const store = given ?? stack.use(await openStore([`dir://${folder}/blocks`], { create: true }));
    const content = stack.use(
      new Content({ ...rest, database, store, flistDirectory: `${folder}/flists` }),
    );
    return new HubContent({ content, database, store, folder }, stack.move());
  }

  /** Sends a request as a user, or as nobody. */
  async send(
    method: string,
    path: string,
    { as, body, json, headers = {} }: {
      readonly as?: string;
      readonly body?: BodyInit;
      readonly json?: unknown;
      readonly headers?: Record<string, string>;
    } = {},
  ): Promise<Response> {
    return await this.app.request(path, {
      method,
      headers: {
        ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Limits what a user may have. */
  async limit(
    user: string,
    { bytes, objects }: { readonly bytes?: number; readonly objects?: number },
  ): Promise<void> {
    await this.database.updateTable("account")
      .set({ bytes_max: bytes ?? null, objects_max: objects ?? null })
      .where("name", "=", user).execute();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function makeApp(content: Content, notes: Notes): HubApp {
  const app: HubApp = new OpenAPIHono<HubEnvironment>();
  app.onError((error, context) => problemResponse(context, toProblem(error)));
  app.use(async (context, next) => {
    const user = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
    if (user !== undefined) {
      context.set("caller", { user, role: "user", scopes: ["read", "write"] });
    }
    await next();
  });
  registerContentEndpoints(app, content, notes);
  return app;
}
