/**
 * Messages about users, their tokens, and what the hub notes of it all.
 *
 * @module
 */

import * as z from "zod";
import { Count, PageQuery, Role, Scope, Time, UserName } from "./common.ts";

const Password = z.string().min(1).max(1024).meta({ description: "Password" });
const NewPassword = z.string().min(8).max(1024).meta({ description: "Password" });
const Quota = Count.nullable().meta({ description: "The most that is allowed; null is no limit" });

/** `POST /api/v1/signin`: as rfs's. A name is any text, so that a wrong one only fails to sign in. */
export const SignInRequest = z.object({
  username: z.string().min(1).max(256).meta({ example: "alice" }),
  password: Password,
}).meta({ id: "SignInRequest" });

/** Answer to signing in and to a refresh. rfs's has the access token alone. */
export const SignInAnswer = z.object({
  access_token: z.string().min(1).meta({ description: "What to send as Bearer token" }),
  refresh_token: z.string().min(1).optional()
    .meta({ description: "Gets the next access token, once" }),
  expires_in: z.int().min(0).optional()
    .meta({ description: "Seconds for which the access token is good" }),
}).meta({ id: "SignInAnswer" });

/** `POST /api/v1/token/refresh`. A token that was used before ends all of its family. */
export const RefreshRequest = z.object({ refresh_token: z.string().min(1).max(4096) })
  .meta({ id: "RefreshRequest" });

/** `POST /api/v1/signout`: ends the refresh token and its family. */
export const SignOutRequest = z.object({ refresh_token: z.string().min(1).max(4096).optional() })
  .meta({ id: "SignOutRequest" });

/** `GET /api/v1/me`. */
export const MeAnswer = z.object({
  user: UserName,
  role: Role,
  scopes: z.array(Scope),
  namespace: UserName.optional()
    .meta({ description: "The only namespace that the token is good for" }),
  bytes_used: Count.optional(),
  bytes_max: Quota.optional(),
  objects_used: Count.optional(),
  objects_max: Quota.optional(),
}).meta({ id: "MeAnswer" });

/** An API token as it is shown after it was made: without the secret. */
export const TokenInfo = z.object({
  id: z.string().min(1).max(64),
  name: z.string(),
  scopes: z.array(Scope),
  namespace: UserName.optional(),
  created_at: Time,
  expires_at: Time.optional(),
  last_used_at: Time.optional(),
}).meta({ id: "TokenInfo" });
/** See {@link TokenInfo}. */
export type TokenInfo = z.infer<typeof TokenInfo>;

/** `GET /api/v1/tokens`. */
export const TokensAnswer = z.object({ tokens: z.array(TokenInfo) }).meta({ id: "TokensAnswer" });

/** `POST /api/v1/tokens`. */
export const CreateTokenRequest = z.object({
  name: z.string().trim().min(1).max(100).meta({ example: "build server" }),
  scopes: z.array(Scope).min(1).max(3).meta({ example: ["read", "write"] }),
  namespace: UserName.optional(),
  expires_in: z.int().min(60).max(10 * 365 * 86_400).optional()
    .meta({ description: "Seconds until it ends; without it, it does not" }),
}).meta({ id: "CreateTokenRequest" });

/** Answer to {@link CreateTokenRequest}: the only one that has the secret. */
export const CreateTokenAnswer = TokenInfo.extend({
  token: z.string().min(1).meta({ description: "The token; shown this once" }),
}).meta({ id: "CreateTokenAnswer" });

/** The id of an API token, in the path. */
export const TokenParams = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) });

/** A user as an administrator sees them. */
export const UserInfo = z.object({
  name: UserName,
  role: Role,
  disabled: z.boolean(),
  created_at: Time,
  bytes_used: Count.optional(),
  bytes_max: Quota.optional(),
  objects_used: Count.optional(),
  objects_max: Quota.optional(),
}).meta({ id: "UserInfo" });
/** See {@link UserInfo}. */
export type UserInfo = z.infer<typeof UserInfo>;

/** `GET /api/v1/users`. */
export const UsersAnswer = z.object({
  users: z.array(UserInfo),
  total: Count,
  page: Count,
  per_page: Count,
}).meta({ id: "UsersAnswer" });

/** `POST /api/v1/users`. */
export const CreateUserRequest = z.object({
  name: UserName,
  password: NewPassword,
  role: Role.default("user"),
  bytes_max: Quota.optional(),
  objects_max: Quota.optional(),
}).meta({ id: "CreateUserRequest" });

/** `PATCH /api/v1/users/{name}`: what is to change. */
export const ChangeUserRequest = z.object({
  password: NewPassword.optional(),
  role: Role.optional(),
  disabled: z.boolean().optional(),
  bytes_max: Quota.optional(),
  objects_max: Quota.optional(),
}).meta({ id: "ChangeUserRequest" });

/** A user's name, in the path. */
export const UserParams = z.object({ name: UserName });

/** `GET /api/v1/audit`. */
export const AuditQuery = PageQuery.extend({
  actor: z.string().max(256).optional().meta({ description: "Only what this user did" }),
  action: z.string().max(64).optional().meta({ description: "Only this action" }),
});

/** Something that changed, and who did it. */
export const AuditEvent = z.object({
  id: Count,
  at: Time,
  actor: z.string().optional().meta({ description: "Who; missing where nobody was signed in" }),
  action: z.string().meta({ example: "flist.delete" }),
  object: z.string().optional(),
  outcome: z.enum(["done", "refused"]),
  address: z.string().optional().meta({ description: "Where the request came from" }),
  request_id: z.string().optional(),
  detail: z.string().optional(),
}).meta({ id: "AuditEvent" });
/** See {@link AuditEvent}. */
export type AuditEvent = z.infer<typeof AuditEvent>;

/** Answer to {@link AuditQuery}: the newest first. */
export const AuditAnswer = z.object({
  events: z.array(AuditEvent),
  total: Count,
  page: Count,
  per_page: Count,
}).meta({ id: "AuditAnswer" });
