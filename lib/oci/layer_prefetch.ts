/**
 * Layers that are fetched ahead: while one is packed, the next ones come already.
 *
 * @module
 */

import { LinkedAbort } from "../base/linked_abort.ts";
import type { LayerSource } from "./layer_source.ts";

/** Layers that are on their way beside the one that is read. */
const LAYERS_AHEAD = 2;

/** Bytes that wait of each of them: enough for a source to go on while one bundle is packed. */
const BYTES_AHEAD_MAX = 8 * 1024 * 1024;

/** Layers to read, and the fetching ahead of them, which ends when this is disposed of. */
export interface PrefetchedLayers extends AsyncDisposable {
  readonly layers: readonly LayerSource[];
}

/**
 * Wraps `layers`, which are read from the last to the first. Where the reader is slower than the
 * source, a source waits; it may break off then, and goes on by itself.
 *
 * @param isNeeded Whether the layer of that index will be read, as far as is known: others are not
 *   fetched ahead.
 */
export function prefetchLayers(
  layers: readonly LayerSource[],
  signal?: AbortSignal,
  isNeeded: (index: number) => boolean = () => true,
): PrefetchedLayers {
  const ending = new LinkedAbort(signal);
  const ahead = new Map<number, Pump>();
  const wrapped = layers.map((layer, index): LayerSource => ({
    ...layer,
    open: (own) => {
      const pump = ahead.get(index);
      ahead.delete(index);
      let aheadCount = 0;
      for (let next = index - 1; next >= 0 && aheadCount < LAYERS_AHEAD; next--) {
        if (!isNeeded(next)) continue;
        aheadCount++;
        // One that was read before is not fetched again on suspicion.
        if (started.has(next)) continue;
        started.add(next);
        ahead.set(next, new Pump(layers[next]!, ending.signal));
      }
      started.add(index);
      return pump === undefined ? layer.open(own ?? ending.signal) : pump.read(own);
    },
  }));
  const started = new Set<number>();
  return {
    layers: wrapped,
    [Symbol.asyncDispose]: async () => {
      ending.abort(new DOMException("No more layers are needed", "AbortError"));
      ending[Symbol.dispose]();
      await Promise.all(Array.from(ahead.values(), (pump) => pump.ended));
    },
  };
}

/** Reads one layer into memory, as far as there is room. */
class Pump {
  /** Resolves when nothing is read any more; never rejects. */
  readonly ended: Promise<void>;
  readonly #pieces: Uint8Array[] = [];
  readonly #abort: LinkedAbort;
  #size = 0;
  #outcome: { readonly error?: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(layer: LayerSource, signal: AbortSignal) {
    this.#abort = new LinkedAbort(signal);
    this.#abort.signal.addEventListener("abort", () => this.#notify());
    this.ended = this.#run(layer).finally(() => this.#notify());
  }

  /** What has come and what comes; whoever stops early ends the fetching. */
  async *read(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    const giveUp = (): void => this.#abort.abort(signal!.reason);
    signal?.addEventListener("abort", giveUp);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#size -= piece.length;
          this.#notify();
          yield piece;
        } else if (this.#outcome === undefined) {
          await this.#changed.promise;
        } else if ("error" in this.#outcome) {
          throw this.#outcome.error;
        } else {
          return;
        }
      }
    } finally {
      signal?.removeEventListener("abort", giveUp);
      this.#abort.abort(new DOMException("The rest of the layer is not needed", "AbortError"));
      await this.ended;
    }
  }

  async #run(layer: LayerSource): Promise<void> {
    const { signal } = this.#abort;
    try {
      for await (const piece of layer.open(signal)) {
        this.#pieces.push(piece);
        this.#size += piece.length;
        this.#notify();
        while (this.#size > BYTES_AHEAD_MAX && !signal.aborted) await this.#changed.promise;
        signal.throwIfAborted();
      }
      this.#outcome = {};
    } catch (error) {
      this.#outcome = { error };
    } finally {
      this.#abort[Symbol.dispose]();
    }
  }

  #notify(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
