/**
 * What was written back to stores while blocks were read.
 *
 * @module
 */

import type { HealEvent } from "../store/wrappers/block_healer.ts";

/** A copy of a block that was written back. */
export interface HealedCopy {
  /** Id of the block. */
  readonly id: string;
  /** The store that has it again, as a URL without secrets. */
  readonly store: string;
  /** What was wrong there: `missing` or `corrupt`. */
  readonly found: HealEvent["found"];
}

/** A store that lacks blocks, or may lack them, and could not be healed. */
export interface UnhealedStore {
  /** The store, as a URL without secrets. */
  readonly store: string;
  /** How many of its blocks could not be looked at or written back. */
  readonly count: number;
  /** Why, for the first of them. */
  readonly reason: string;
}

/** What healing did. */
export interface HealReport {
  /** Copies that were written back. */
  readonly healed: readonly HealedCopy[];
  /** Stores where that failed. */
  readonly unhealed: readonly UnhealedStore[];
}

/** Gathers what stores tell about healing. */
export class HealCounter {
  readonly #healed: HealedCopy[] = [];
  readonly #unhealed = new Map<string, { count: number; reason: string }>();

  /** `options` with which everything is noted here, beside what they do with it themselves. */
  listening<Options extends { readonly onHeal?: (event: HealEvent) => void }>(
    options: Options,
  ): Options & { readonly onHeal: (event: HealEvent) => void } {
    const onHeal = (event: HealEvent): void => {
      this.add(event);
      options.onHeal?.(event);
    };
    return { ...options, onHeal };
  }

  /** Notes one event. */
  add({ id, store, found, error }: HealEvent): void {
    if (error === undefined) {
      this.#healed.push({ id, store, found });
      return;
    }
    const known = this.#unhealed.get(store);
    if (known !== undefined) known.count++;
    else {
      const reason = error instanceof Error ? error.message : String(error);
      this.#unhealed.set(store, { count: 1, reason });
    }
  }

  /** Everything noted. */
  report(): HealReport {
    return {
      healed: this.#healed,
      unhealed: Array.from(this.#unhealed, ([store, { count, reason }]) => ({
        store,
        count,
        reason,
      })),
    };
  }
}
