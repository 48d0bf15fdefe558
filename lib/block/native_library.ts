/**
 * System libraries through FFI. They make opening and sealing several times as fast, and nothing
 * depends on them: every function that uses one has a portable twin with the same results.
 *
 * @module
 */

/**
 * Which implementation to use: `native` is the system's libraries, `portable` what the runtime has
 * built in.
 */
export type Backend = "native" | "portable";

/**
 * Opens the system library `name`, or gives undefined where it is absent, lacks one of `symbols`,
 * or may not be used.
 *
 * To be called while a module loads: once in each thread, and before any test begins whose resources
 * are counted. The library stays open as long as the thread lives.
 *
 * @param name File name as the dynamic linker knows it, such as `libzstd.so.1`.
 */
export function openNativeLibrary<const Symbols extends Deno.ForeignLibraryInterface>(
  name: string,
  symbols: Symbols,
): Deno.StaticForeignLibraryInterface<Symbols> | undefined {
  // Asking first keeps the runtime from prompting the user for what is only a matter of speed.
  if (Deno.permissions.querySync({ name: "ffi", path: name }).state !== "granted") return undefined;
  try {
    return Deno.dlopen(name, symbols).symbols;
  } catch {
    // Whatever the reason is, there is no such library for us here.
    return undefined;
  }
}
