/**
 * Where the frames of a Zstandard stream end (RFC 8878, section 3.1). The runtime's decoder takes one
 * frame and silently passes over what follows, and over an end that is missing.
 *
 * @module
 */

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAGIC_SIZE = 4;
const CHECKSUM_SIZE = 4;
/** Longest frame header with its magic number. */
const HEADER_SIZE_MAX = 18;

/** What comes next in the stream. */
type Expectation = "magic" | "skippable-size" | "header" | "block";

/** Told of a stream's parts, in order. */
export interface ZstdFrameHandler {
  /** Bytes of a frame; `isEnd` with its last ones, which may be none. */
  readonly onFrame: (bytes: Uint8Array, isEnd: boolean) => void | Promise<void>;
}

/** Splits a stream. */
export class ZstdFrames {
  readonly #onFrame: ZstdFrameHandler["onFrame"];
  #expects: Expectation = "magic";
  /** Bytes of the part that is to be understood, gathered over pieces. */
  readonly #head = new Uint8Array(HEADER_SIZE_MAX);
  #headFilled = 0;
  #headSize = MAGIC_SIZE;
  /** Bytes to pass on, or over, before the next part. */
  #left = 0;
  #isSkippable = false;
  #isLastBlock = false;
  #hasChecksum = false;

  constructor({ onFrame }: ZstdFrameHandler) {
    this.#onFrame = onFrame;
  }

  /** Whether the stream may end here. */
  get isBetweenFrames(): boolean {
    return this.#expects === "magic" && this.#headFilled === 0 && this.#left === 0;
  }

  /** Takes the next piece. @throws {SyntaxError} when it is not a Zstandard stream. */
  async write(piece: Uint8Array): Promise<void> {
    let start = 0;
    for (let at = 0; at < piece.length;) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, piece.length - at);
        at += count;
        this.#left -= count;
        if (this.#isSkippable) start = at;
      } else {
        const count = Math.min(this.#headSize - this.#headFilled, piece.length - at);
        this.#head.set(piece.subarray(at, at + count), this.#headFilled);
        this.#headFilled += count;
        at += count;
        if (this.#headFilled < this.#headSize) break;
        const isMagic = this.#expects === "magic";
        this.#understand();
        if (this.#isSkippable) start = at;
        else if (isMagic) {
          // Only now it is known that a frame begins, perhaps in the piece before.
          await this.#onFrame(this.#head.slice(0, MAGIC_SIZE), false);
          start = at;
        }
      }
      if (this.#left === 0 && this.#expects === "magic" && this.#headFilled === 0) {
        if (!this.#isSkippable) await this.#onFrame(piece.subarray(start, at), true);
        this.#isSkippable = false;
        start = at;
      }
    }
    const isInFrame = !this.#isSkippable && !(this.#expects === "magic" && this.#left === 0);
    if (start < piece.length && isInFrame) {
      await this.#onFrame(piece.subarray(start), false);
    }
  }

  #understand(): void {
    const view = new DataView(this.#head.buffer);
    switch (this.#expects) {
      case "magic": {
        const magic = view.getUint32(0, true);
        if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
          this.#isSkippable = true;
          return this.#expect("skippable-size", 4);
        }
        if (magic !== MAGIC) throw new SyntaxError("there is something else behind a frame");
        return this.#expect("header", 1);
      }
      case "skippable-size":
        this.#left = view.getUint32(0, true);
        return this.#expect("magic", MAGIC_SIZE);
      case "header": {
        const descriptor = this.#head[0]!;
        const isSingle = (descriptor & 0x20) !== 0;
        this.#hasChecksum = (descriptor & 4) !== 0;
        const dictionarySize = [0, 1, 2, 4][descriptor & 3]!;
        const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
        this.#left = (isSingle ? 0 : 1) + dictionarySize + contentSize;
        return this.#expect("block", 3);
      }
      case "block": {
        const header = this.#head[0]! | this.#head[1]! << 8 | this.#head[2]! << 16;
        const type = header >> 1 & 3;
        if (type === 3) throw new SyntaxError("it has a block of no known type");
        this.#isLastBlock = (header & 1) !== 0;
        // A block of one repeated byte takes one byte.
        this.#left = type === 1 ? 1 : header >> 3;
        if (!this.#isLastBlock) return this.#expect("block", 3);
        if (this.#hasChecksum) this.#left += CHECKSUM_SIZE;
        return this.#expect("magic", MAGIC_SIZE);
      }
    }
  }

  #expect(what: Expectation, size: number): void {
    this.#expects = what;
    this.#headSize = size;
    this.#headFilled = 0;
  }
}
