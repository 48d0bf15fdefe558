/**
 * One write, or one look-up, for all who wait for one: what comes while one is under way goes into the
 * next, so that a disk's slow promise is asked for once for many.
 *
 * @module
 */

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/** Joins jobs that come at about the same time. */
export class GroupCommit<Job, Result> {
  readonly #run: (jobs: readonly Job[]) => Promise<readonly Result[]>;
  readonly #jobsMax: number;
  #waiting: Waiting<Job, Result>[] = [];
  #running: Promise<void> | undefined;

  /** @param run Does all of the jobs, and answers for each in the same order. */
  constructor(run: (jobs: readonly Job[]) => Promise<readonly Result[]>, jobsMax = 64) {
    this.#run = run;
    this.#jobsMax = jobsMax;
  }

  /** Does a job, with others; resolves when it is done. */
  add(job: Job): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ job, resolve, reject });
    this.#running ??= this.#drain();
    return promise;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #drain(): Promise<void> {
    // Those who come in the same turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#jobsMax);
      try {
        const results = await this.#run(group.map(({ job }) => job));
        for (const [index, { resolve }] of group.entries()) resolve(results[index]!);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = undefined;
  }
}
