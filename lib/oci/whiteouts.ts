/**
 * Names by which a layer takes away what layers below it have (OCI image specification, layer.md,
 * "Whiteouts").
 *
 * @module
 */

/** What a name in a layer says. */
export type LayerName =
  | { readonly kind: "entry" }
  /** What lies at `path` in lower layers is gone. */
  | { readonly kind: "whiteout"; readonly path: string }
  /** What lower layers have in the directory `path` is gone. */
  | { readonly kind: "opaque"; readonly path: string }
  /** A note of aufs, that means nothing here. */
  | { readonly kind: "ignored" }
  /** A whiteout of nothing that could be there. */
  | { readonly kind: "wrong" };

const PREFIX = ".wh.";
/** aufs keeps notes of its own under this. */
const META_PREFIX = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";

const ENTRY: LayerName = { kind: "entry" };

/** What the entry `path` of a layer says. */
export function layerName(path: string): LayerName {
  // Most entries have no such name anywhere.
  if (!path.includes(PREFIX)) return ENTRY;
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "" : path.slice(0, slash);
  const name = path.slice(slash + 1);
  if (name === OPAQUE) return { kind: "opaque", path: directory };
  if (path.startsWith(META_PREFIX) || path.includes(`/${META_PREFIX}`)) return { kind: "ignored" };
  if (!name.startsWith(PREFIX)) return ENTRY;
  const hidden = name.slice(PREFIX.length);
  if (hidden === "" || hidden === "." || hidden === "..") return { kind: "wrong" };
  return { kind: "whiteout", path: slash < 0 ? hidden : `${directory}/${hidden}` };
}
