/**
 * Answers that are streams, which may fail when the client has their beginning already.
 *
 * @module
 */

import type { HubContext, Notes } from "../context.ts";

/**
 * A stream of what `pieces` yields. The first piece is there when it resolves: so what fails at once
 * is answered as a problem. What fails later breaks the connection off, for then nothing else can tell
 * the client that it has not got all.
 */
export async function answerStream(
  context: HubContext,
  pieces: AsyncIterable<Uint8Array>,
  { log }: Pick<Notes, "log">,
): Promise<ReadableStream<Uint8Array>> {
  const iterator = pieces[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await iterator.next();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      try {
        const { done, value } = first ?? await iterator.next();
        first = undefined;
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        log.error("answer broke off", { request_id: context.get("requestId"), error });
        const { breakOff } = context.env ?? {};
        if (breakOff === undefined) return controller.error(new Error("The answer broke off"));
        breakOff();
        // Whoever sends the answer cancels it when the connection is gone.
        await new Promise<never>(() => {});
      }
    },
    async cancel(): Promise<void> {
      await iterator.return?.();
    },
  }, { highWaterMark: 0 });
}
