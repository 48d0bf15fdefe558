/**
 * Ascending numbers with the position of each: a map from row numbers to array indexes in eight
 * bytes a row, which a `Map` needs five times as much for.
 *
 * @module
 */

/** A growing list of ascending numbers. */
export class SortedNumbers {
  #numbers: Float64Array;
  #length = 0;

  /** @param expected How many are expected; more may come. */
  constructor(expected: number) {
    this.#numbers = new Float64Array(Math.max(expected, 16));
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds `number`, which must be more than all before. @returns its position. */
  add(number: number): number {
    if (this.#length === this.#numbers.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.#length] = number;
    return this.#length++;
  }

  /** The number at `position`. */
  at(position: number): number {
    return this.#numbers[position]!;
  }

  /** Where `number` is, or -1 where it is not. */
  positionOf(number: number): number {
    // Row numbers mostly count up from one without gaps.
    if (this.#numbers[number - 1] === number && number <= this.#length) return number - 1;
    let low = 0;
    let high = this.#length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#numbers[middle]!;
      if (found === number) return middle;
      if (found < number) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
