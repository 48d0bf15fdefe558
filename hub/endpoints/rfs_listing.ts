/**
 * Flists as rfs lists, shows and serves them.
 *
 * @module
 */

import { FLIST_MEDIA_TYPE } from "../../lib/hub_api/endpoints.ts";
import type * as z from "zod";
import { FlistParams } from "../../lib/hub_api/messages/mod.ts";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { Content } from "../content/content.ts";
import type { FlistInfo } from "../content/flists.ts";
import type { HubApp, HubContext, Notes } from "../context.ts";
import { registerEndpoint } from "../endpoint.ts";
import { answerStream } from "./answer_stream.ts";
import { answerBytes, REVALIDATED } from "./byte_answer.ts";
import { attachment } from "./content_disposition.ts";

/** Flists that one answer shows: rfs's clients know no pages. */
const LISTED_MAX = 10_000;

/** Registers rfs's endpoints of flists. */
export function registerRfsListingEndpoints(
  app: HubApp,
  content: Content,
  notes: Notes,
): void {
  const { flists } = content;
  const visible = async (context: HubContext, user?: string): Promise<readonly FlistInfo[]> => {
    const selection = { page: 1, perPage: LISTED_MAX, user };
    return (await flists.list(context.get("caller")?.user, selection)).flists;
  };
  const find = async (context: HubContext, user: string, file: string): Promise<FlistInfo> => {
    for (const reference of referencesOf(user, file)) {
      try {
        return await flists.get(reference, context.get("caller")?.user);
      } catch (error) {
        if (!(error instanceof HubProblem) || error.status !== 404) throw error;
      }
    }
    throw new HubProblem(404, "flist_not_found", "There is no such flist");
  };

  registerEndpoint(app, "rfsFlists", async (context) => {
    const byUser: Record<string, unknown[]> = {};
    const host = new URL(context.req.url).host;
    for (const flist of await visible(context)) {
      (byUser[flist.user] ??= []).push({
        name: fileOf(flist),
        path_uri: `${host}/flists/${flist.user}/${fileOf(flist)}`,
        is_file: true,
        size: flist.size,
        last_modified: Math.floor(Date.parse(flist.updated_at) / 1000),
        progress: 0,
      });
    }
    return context.json(byUser);
  });
  registerEndpoint(app, "rfsPreview", async (context, { params }) => {
    const [, user, file] = /^\/?(?:flists\/)?([^/]+)\/([^/]+)$/.exec(params.path) ?? [];
    if (user === undefined) throw new HubProblem(404, "flist_not_found", "There is no such flist");
    const { digest } = await find(context, user, file!);
    const { paths, routes } = await flists.paths(digest);
    return context.json({ content: paths, metadata: routes, checksum: digest });
  });
  app.get("/flists", (context) => context.redirect("/flists/", 308));
  app.get("/flists/", async (context) => {
    context.set("endpoint", "/flists/");
    const users = [...new Set((await visible(context)).map(({ user }) => user))];
    return page(context, "Flists", users.map((user) => ({ name: `${user}/`, href: `${user}/` })));
  });
  app.get("/flists/:user", (context) => {
    return context.redirect(`/flists/${encodeURIComponent(context.req.param("user"))}/`, 308);
  });
  app.get("/flists/:user/", async (context) => {
    context.set("endpoint", "/flists/{user}/");
    const user = context.req.param("user");
    const found = FlistParams.shape.user.safeParse(user).success
      ? await visible(context, user)
      : [];
    if (found.length === 0) throw new HubProblem(404, "not_found", "There is nothing here");
    const rows = found.map((flist) => ({ name: fileOf(flist), size: flist.size }));
    return page(context, `Flists of ${user}`, rows);
  });
  app.get("/flists/:user/:file", async (context) => {
    context.set("endpoint", "/flists/{user}/{file}");
    const flist = await find(context, context.req.param("user"), context.req.param("file"));
    return await answerBytes(context, {
      digest: flist.digest,
      size: flist.size,
      mediaType: FLIST_MEDIA_TYPE,
      cacheControl: REVALIDATED,
      headers: { "content-disposition": attachment(fileOf(flist)) },
      read: (start, end) => answerStream(context, flists.read(flist.digest, start, end), notes),
    });
  });
}

/** The name of the file that a flist is for rfs's clients. */
function fileOf({ name, tag }: FlistInfo): string {
  return tag === "latest" ? `${name}.fl` : `${name}-${tag}.fl`;
}

/** What a file's name may stand for: `debian-12.fl` for debian-12:latest, or for debian:12. */
function* referencesOf(user: string, file: string): Generator<z.infer<typeof FlistParams>> {
  if (!file.endsWith(".fl")) return;
  const base = file.slice(0, -3);
  const candidates = [{ user, name: base, tag: "latest" }];
  for (let at = base.lastIndexOf("-"); at > 0; at = base.lastIndexOf("-", at - 1)) {
    candidates.push({ user, name: base.slice(0, at), tag: base.slice(at + 1) });
  }
  for (const candidate of candidates) {
    const { success, data } = FlistParams.safeParse(candidate);
    if (success) yield data;
  }
}

interface Row {
  readonly name: string;
  readonly href?: string;
  readonly size?: number;
}

function page(context: HubContext, title: string, rows: readonly Row[]): Response {
  const items = rows.map(({ name, href, size }) => {
    const target = escapeHtml(href ?? encodeURIComponent(name));
    const bytes = size === undefined ? "" : ` (${size} bytes)`;
    return `<li><a href="./${target}">${escapeHtml(name)}</a>${bytes}</li>`;
  });
  return context.html(
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
      `<title>${escapeHtml(title)}</title></head>\n` +
      `<body><h1>${escapeHtml(title)}</h1>\n<ul>\n${items.join("\n")}\n</ul></body></html>\n`,
  );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
