/**
 * All messages of the hub, as the schemas that both ends check them with.
 *
 * @module
 */

export * from "./accounts.ts";
export * from "./blocks.ts";
export * from "./common.ts";
export * from "./files.ts";
export * from "./flists.ts";
export * from "./jobs.ts";
export * from "./problem.ts";
export * from "./service.ts";
