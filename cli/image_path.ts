/**
 * Paths inside images as people give them: as they are, or as myfs printed them.
 *
 * @module
 */

/**
 * Calls `use` with `path` as it was typed and, where the image has no such path, with the escapes
 * of printed names undone, so that a name that cannot be typed can be copied from a listing.
 */
export async function asTypedOrPrinted<Answer>(
  path: string,
  use: (path: string) => Answer | Promise<Answer>,
): Promise<Answer> {
  try {
    return await use(path);
  } catch (error) {
    const unescaped = undoEscapes(path);
    const missing = error instanceof Error && "code" in error && error.code === "path_not_found";
    if (!missing || unescaped === path) throw error;
    return await use(unescaped);
  }
}

/**
 * Undoes the escapes of the library's `displayByteString`: `\\`, `\xNN` and `\u{N}`. A byte above
 * 0x7f becomes the lone surrogate that stands for it in a byte string.
 */
export function undoEscapes(text: string): string {
  return text.replace(
    /\\(?:\\|x([0-9a-f]{2})|u\{([0-9a-f]{1,5})\})/g,
    (_, byte: string | undefined, code: string | undefined) => {
      if (code !== undefined) return String.fromCodePoint(parseInt(code, 16));
      if (byte === undefined) return "\\";
      const value = parseInt(byte, 16);
      return String.fromCharCode(value < 0x80 ? value : 0xdc00 + value);
    },
  );
}
