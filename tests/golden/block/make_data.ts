/**
 * Data that the tests and the Python scripts make alike from a few numbers.
 *
 * @module
 */

/** Which data. `make_data.py` knows the same kinds. */
export interface DataSpec {
  /** `xorshift`: as good as random. `words`: text that compresses. `zeros`: zeros. */
  readonly kind: string;
  /** Start of the generator, 1 or more. */
  readonly seed: number;
  /** Bytes. */
  readonly length: number;
}

const WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho".split(" ");

/** The data that `spec` describes. */
export function makeData(spec: DataSpec): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(spec.length);
  // xorshift32 (Marsaglia 2003), one byte a step: bits 8 to 15 of the state.
  let state = spec.seed;
  const step = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) & 0xff;
  };
  if (spec.kind === "xorshift") {
    for (let i = 0; i < data.length; i++) data[i] = step();
  } else if (spec.kind === "words") {
    for (let at = 0; at < data.length;) {
      for (const character of `${WORDS[step() % 16]!} `) {
        if (at < data.length) data[at++] = character.charCodeAt(0);
      }
    }
  } else if (spec.kind !== "zeros") {
    throw new TypeError(`There is no data of kind ${spec.kind}`);
  }
  return data;
}
