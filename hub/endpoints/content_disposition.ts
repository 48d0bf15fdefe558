/**
 * The header that names a download (RFC 6266), for any name.
 *
 * @module
 */

/**
 * `attachment` with a file name: in ASCII for all, and exactly (RFC 8187) where that is not the
 * same. Nothing of a name can end the header or add another.
 */
export function attachment(name: string): string {
  const base = name.toWellFormed().split(/[/\\]/).at(-1) ?? "";
  const plain = base.replace(/[^\x20-\x7e]|["\\%]/g, "_").trim() || "download";
  if (plain === base) return `attachment; filename="${plain}"`;
  const exact = encodeURIComponent(base)
    .replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact || "download"}`;
}
