/**
 * Options that several commands have, defined once so that they mean the same everywhere.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { UsageError } from "./problem.ts";

/** `--json` */
export const jsonOption = new Option("--json", "print one JSON document to standard output");

/** `--quiet` */
export const quietOption = new Option("-q, --quiet", "no progress and no summary");

/** `--meta`, of commands that read a flist. */
export const metaOption = new Option("-m, --meta <flist>", "the flist (or give it first)");

/** `--trust-routes` */
export const trustRoutesOption = new Option(
  "--trust-routes",
  "follow routes to this machine in a flist that was not made here",
);

/** `--heal` */
export const healOption = new Option(
  "--heal",
  "write blocks that a store lacks, or has damaged, back to it from another store",
);

/** `--jobs` */
export const jobsOption = new Option("-j, --jobs <count>", "worker threads (default: one a core)")
  .argParser(wholeNumber(1, 64));

/** An option that may be repeated and gathers its values. */
export type RepeatableOption<Flags extends string> = Option<
  Flags,
  undefined,
  undefined,
  readonly string[]
>;

/** `--store`, with what the store is for. */
export function storeOption(purpose: string): RepeatableOption<"-s, --store <spec>"> {
  return new Option("-s, --store <spec>", purpose).argParser(collect);
}

/** `--store-spec`, the other name of `--store`. */
export const storeSpecOption: RepeatableOption<"--store-spec <spec>"> = new Option(
  "--store-spec <spec>",
  "the same as --store",
).argParser(collect).hideHelp();

/** What {@link storeOption} and {@link storeSpecOption} gave. */
export interface StoreOptions {
  readonly store?: readonly string[];
  readonly storeSpec?: readonly string[];
}

/** All stores that were named under either name; undefined where none was. */
export function storesOf(options: StoreOptions): readonly string[] | undefined {
  const stores = [...options.store ?? [], ...options.storeSpec ?? []];
  return stores.length === 0 ? undefined : stores;
}

/** The library's option that names the stores, where any was named. */
export function storeOptions(options: StoreOptions): { readonly store?: readonly string[] } {
  const store = storesOf(options);
  return store === undefined ? {} : { store };
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...earlier ?? [], value];
}

/** Reads a whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}`);
  };
}

/**
 * An option that must be given. Commander can ask for it too, but then complains about what is
 * missing before it names the misspelt option that was meant.
 *
 * @throws {UsageError} when it was not given.
 */
export function required<Value>(value: Value | undefined, flags: string): Value {
  if (value !== undefined) return value;
  throw new UsageError(`Option '${flags}' is missing`);
}

/** A flist and the operands that are left. */
export interface FlistAndOperands {
  readonly meta: string;
  readonly rest: readonly string[];
}

/**
 * Splits operands into the flist, which is `meta` or else the first operand, and the others.
 *
 * @throws {UsageError} when there is no flist.
 */
export function splitFlist(
  meta: string | undefined,
  operands: readonly (string | undefined)[],
): FlistAndOperands {
  const given = operands.filter((operand) => operand !== undefined);
  const flist = meta ?? given.shift();
  if (flist === undefined) {
    throw new UsageError("There is no flist to work on", "Name it first, or with --meta.");
  }
  return { meta: flist, rest: given };
}

type OperandOf<Name extends string> = Name extends `[${string}` ? string | undefined : string;

/**
 * As {@link splitFlist}, for a known number of other operands.
 *
 * @param names The others' names; one in brackets may be missing.
 * @throws {UsageError} when there is no flist, or another number of operands.
 */
export function takeFlist<const Names extends readonly string[]>(
  meta: string | undefined,
  operands: readonly (string | undefined)[],
  names: Names,
): [meta: string, ...{ -readonly [Index in keyof Names]: OperandOf<Names[Index]> }] {
  const split = splitFlist(meta, operands);
  const missing = names[split.rest.length];
  if (missing !== undefined && !missing.startsWith("[")) {
    throw new UsageError(`Operand <${missing}> is missing`);
  }
  if (split.rest.length > names.length) {
    throw new UsageError(
      `Too many operands: ${split.rest.slice(names.length).join(" ")}`,
      meta === undefined ? undefined : "With --meta, the flist is no operand.",
    );
  }
  const rest = names.map((_, index) => split.rest[index]) as {
    -readonly [Index in keyof Names]: OperandOf<Names[Index]>;
  };
  return [split.meta, ...rest];
}
