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

/** How jobs are joined. */
export interface GroupCommitOptions<Job> {
  /** Most jobs of a group. @default 64 */
  readonly jobsMax?: number;
  /** Groups at the same time. @default 1 */
  readonly groupsMax?: number;
  /** Most bytes of a group that has more than one job. @default any number */
  readonly bytesMax?: number;
  /** Bytes of a job, where there is a `bytesMax`. */
  readonly bytesOf?: (job: Job) => number;
}

/** Joins jobs that come at about the same time. */
export class GroupCommit<Job, Result> {
  readonly #run: (jobs: readonly Job[]) => Promise<readonly Result[]>;
  readonly #options: Required<GroupCommitOptions<Job>>;
  #waiting: Waiting<Job, Result>[] = [];
  readonly #running = new Set<Promise<void>>();

  /** @param run Does all of the jobs, and answers for each in the same order. */
  constructor(
    run: (jobs: readonly Job[]) => Promise<readonly Result[]>,
    { jobsMax = 64, groupsMax = 1, bytesMax = Infinity, bytesOf = () => 0 }: GroupCommitOptions<
      Job
    > = {},
  ) {
    this.#run = run;
    this.#options = { jobsMax, groupsMax, bytesMax, bytesOf };
  }

  /** Does a job, with others; resolves when it is done. */
  add(job: Job): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ job, resolve, reject });
    if (this.#running.size < this.#options.groupsMax) {
      const draining: Promise<void> = this.#drain(() => this.#running.delete(draining));
      this.#running.add(draining);
    }
    return promise;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #drain(onEnd: () => void): Promise<void> {
    // Those who come in the same turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#groupSize());
      try {
        const results = await this.#run(group.map(({ job }) => job));
        for (const [index, { resolve }] of group.entries()) resolve(results[index]!);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    // In the same turn: whoever comes next starts the next one.
    onEnd();
  }

  #groupSize(): number {
    const { jobsMax, bytesMax, bytesOf } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const { job } of this.#waiting) {
      bytes += bytesOf(job);
      if (count === jobsMax || count > 0 && bytes > bytesMax) break;
      count++;
    }
    return count;
  }
}
