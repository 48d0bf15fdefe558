/**
 * A standard output that remembers.
 *
 * @module
 */

import { StandardOutput } from "../../../../cli/output/standard_output.ts";

/** A {@link StandardOutput} and what was written to it. */
export interface Recorder {
  readonly stdout: StandardOutput;
  /** All text so far. */
  text(): string;
}

/** Makes a recorder that takes at most `sizeMax` bytes a write, as a pipe may. */
export function recorder(sizeMax = Infinity): Recorder {
  const decoder = new TextDecoder();
  let text = "";
  const write = (bytes: Uint8Array): Promise<number> => {
    const taken = bytes.subarray(0, sizeMax);
    text += decoder.decode(taken, { stream: true });
    return Promise.resolve(taken.length);
  };
  return { stdout: new StandardOutput({ write }), text: () => text };
}
