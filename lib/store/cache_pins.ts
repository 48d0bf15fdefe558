/**
 * The pins of a cache: named sets of blocks that stay. Each is a file of its own in the folder `pins`,
 * so that pins survive whatever becomes of the index.
 *
 * The file is text: the pin's name as a JSON string, then one block id a line.
 *
 * @module
 */

import { toHex } from "../base/bytes.ts";
import { type BlockId, parseBlockId } from "../block/block_ref.ts";
import { blake3 } from "../block/digest.ts";

const FOLDER = "pins";
const fileName = /^[0-9a-f]{64}$/;

/** A named set of blocks. */
export interface CachePin {
  readonly name: string;
  readonly ids: readonly BlockId[];
}

/** The files of pins of one cache. Changes are for who holds the lock of the cache. */
export class CachePins {
  readonly #folder: string;

  /** @param folder Absolute path of the cache. */
  constructor(folder: string) {
    this.#folder = `${folder}/${FOLDER}`;
  }

  /**
   * Writes a pin, in place of one of the same name.
   *
   * @throws the runtime's error when the folder refuses.
   */
  write({ name, ids }: CachePin): void {
    Deno.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#pathOf(name);
    const temporary = `${path}.new`;
    const text = [JSON.stringify(name), ...ids].join("\n");
    try {
      Deno.writeTextFileSync(temporary, `${text}\n`, { mode: 0o600 });
      Deno.renameSync(temporary, path);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
  }

  /** The pin called `name`; undefined where there is none. */
  read(name: string): CachePin | undefined {
    const pin = readPin(this.#pathOf(name));
    return pin?.name === name ? pin : undefined;
  }

  /** Removes a pin; false where there was none. */
  remove(name: string): boolean {
    return removeIfThere(this.#pathOf(name));
  }

  /** All pins. What is not one is passed over. */
  *list(): Generator<CachePin> {
    let names: string[];
    try {
      names = Array.from(Deno.readDirSync(this.#folder), ({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    for (const name of names.filter((name) => fileName.test(name)).sort()) {
      const pin = readPin(`${this.#folder}/${name}`);
      if (pin !== undefined) yield pin;
    }
  }

  /** Removes what killed writers left. */
  sweepTemporary(): void {
    try {
      for (const { name } of Deno.readDirSync(this.#folder)) {
        if (name.endsWith(".new")) removeIfThere(`${this.#folder}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #pathOf(name: string): string {
    return `${this.#folder}/${toHex(blake3(new TextEncoder().encode(name)))}`;
  }
}

/** A pin, as far as its file can be read: of one that was cut off, the blocks that it still names. */
function readPin(path: string): CachePin | undefined {
  let lines: string[];
  try {
    lines = Deno.readTextFileSync(path).split("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const name: unknown = JSON.parse(lines[0]!);
    if (typeof name !== "string") return undefined;
    return { name, ids: lines.slice(1).filter((line) => fileName.test(line)).map(parseBlockId) };
  } catch {
    return undefined;
  }
}

function removeIfThere(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
