/**
 * The body of an answer as it comes, unless it breaks off or stands still.
 *
 * @module
 */

/** A body that ended too early, or stood still for too long. */
export class BrokenBodyError extends Error {
  /** Name of the class. */
  override readonly name = "BrokenBodyError";
}

/** What {@link bodyPieces} takes. */
export interface BodyPiecesOptions {
  /** How long the server may be silent, in milliseconds. */
  readonly silenceMaxMs: number;
  /** Ends it: the loop throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The pieces of the body; an answer without one has none. A consumer that breaks off ends the
 * connection.
 *
 * @throws {BrokenBodyError} when it is not all there; the message says why, to follow a colon.
 */
export async function* bodyPieces(
  response: Response,
  { silenceMaxMs, signal }: BodyPiecesOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", cancel);
  let isSilent = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const timer = setTimeout(() => {
        isSilent = true;
        cancel();
      }, silenceMaxMs);
      const { done, value } = await reader.read().catch((cause) => {
        signal?.throwIfAborted();
        throw new BrokenBodyError("the server hung up before all had come", { cause });
      }).finally(() => clearTimeout(timer));
      signal?.throwIfAborted();
      if (isSilent) throw new BrokenBodyError(`the server is silent for ${silenceMaxMs} ms`);
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
}
