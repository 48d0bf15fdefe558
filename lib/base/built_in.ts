/**
 * Modules of the runtime that are loaded when they are first used.
 *
 * @module
 */

/** The modules that can be had so, and their types. */
interface BuiltIns {
  readonly "node:crypto": typeof import("node:crypto");
  readonly "node:fs": typeof import("node:fs");
  readonly "node:path": typeof import("node:path");
  readonly "node:timers": typeof import("node:timers");
  readonly "node:zlib": typeof import("node:zlib");
}

/**
 * The runtime's module `name`. An `import` would load it with whatever names it: the first module of
 * `node:` takes 15 ms and some megabytes of each thread, which is a tenth of the time until a mount
 * answers, and threads that have the system's libraries need none. `import defer` does not put off
 * modules of the runtime (Deno 2.9).
 */
export function builtIn<Name extends keyof BuiltIns>(name: Name): BuiltIns[Name] {
  return globalThis.process.getBuiltinModule(name) as BuiltIns[Name];
}
