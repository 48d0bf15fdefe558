/**
 * What is known about a replica: how fast it answers, and whether it answers at all.
 *
 * @module
 */

import { type Clock, systemClock } from "../../base/clock.ts";
import { LatencyHistogram } from "./latency_histogram.ts";

/**
 * What a request costs beside its bytes, in bytes: at 100 MB/s and a latency of 0.6 ms, both are
 * equal.
 */
const REQUEST_BYTES = 64 * 1024;
/** What is assumed of a replica that was never asked, in milliseconds a request. */
const PACE_ASSUMED_MS = 1000;
/** How much the newest answer says about the next. */
const PACE_WEIGHT = 0.2;
/** After this time without an answer, a replica is believed to be twice as fast. */
const HALF_LIFE_MS = 10_000;

/** Back-off after the first failure, and after many. */
const BACK_OFF_MIN_MS = 1000;
const BACK_OFF_MAX_MS = 60_000;

/** Before so many answers, nobody knows what is slow. */
const ANSWERS_MIN = 8;
/** What is slow then, in milliseconds. */
const SLOW_ASSUMED_MS = 500;
/** No answer that took less is slow, in milliseconds. */
const SLOW_MIN_MS = 100;
/** Share of the answers that are not slow. */
const SLOW_QUANTILE = 0.95;
/** After so many answers, the older ones count half. */
const FADE_COUNT = 64;

/**
 * The record of one replica.
 *
 * Its *pace* is how long it takes for a request, with bytes taken into account, as a moving mean. A
 * pace fades with time: a replica that is slow, failed, or was never asked is believed to be better
 * and better, until it is asked again; then it shows what it can do.
 */
export class ReplicaRecord {
  /** Reads under way. */
  running = 0;
  readonly #clock: Clock;
  readonly #latency = new LatencyHistogram();
  #paceMs = PACE_ASSUMED_MS;
  #heardMs: number;
  #wasHeard = false;
  #failures = 0;
  #backOffEndMs = -Infinity;

  /** A record of nothing yet. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#heardMs = clock.now();
  }

  /** Milliseconds a request that are expected of it now. */
  get paceMs(): number {
    return this.#paceMs * 2 ** (-(this.#clock.now() - this.#heardMs) / HALF_LIFE_MS);
  }

  /** Whether it failed of late and is to be left alone while others can answer. */
  get isBackingOff(): boolean {
    return this.#clock.now() < this.#backOffEndMs;
  }

  /** When it may be asked again, by the clock. */
  get backOffEndMs(): number {
    return this.#backOffEndMs;
  }

  /** Whether its pace is so old that one read should find out before others follow. */
  get isStale(): boolean {
    return this.#clock.now() - this.#heardMs > HALF_LIFE_MS;
  }

  /** How long an answer may take before another replica is asked too, in milliseconds. */
  get slowMs(): number {
    if (this.#latency.count < ANSWERS_MIN) return SLOW_ASSUMED_MS;
    return Math.max(SLOW_MIN_MS, this.#latency.quantileMs(SLOW_QUANTILE));
  }

  /** It gave a block of `bytes`. */
  served(durationMs: number, bytes: number): void {
    this.#failures = 0;
    this.#backOffEndMs = -Infinity;
    this.#hear(durationMs, bytes);
  }

  /**
   * It answered, but could not serve; or it had not answered when another one had. Whoever asks it
   * first waits as long as it took until there was a block: that is its pace.
   */
  passed(durationMs: number): void {
    this.#hear(durationMs, 0);
  }

  /** It failed: it is left alone for a time, which doubles with each failure that follows. */
  failed(): void {
    const backOffMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** this.#failures);
    this.#failures++;
    this.#backOffEndMs = this.#clock.now() + backOffMs;
  }

  #hear(durationMs: number, bytes: number): void {
    const newest = durationMs * REQUEST_BYTES / (REQUEST_BYTES + bytes);
    const known = this.paceMs;
    this.#paceMs = this.#wasHeard ? known + (newest - known) * PACE_WEIGHT : newest;
    this.#wasHeard = true;
    this.#heardMs = this.#clock.now();
    this.#latency.add(durationMs);
    if (this.#latency.count >= 2 * FADE_COUNT) this.#latency.fade();
  }
}

/**
 * Replicas in the order in which they should be asked: those that are fast; among those about
 * equally fast, as they are given; those that failed of late at the end, and the one that failed
 * longest ago first.
 */
export function byPreference<Replica extends { readonly record: ReplicaRecord }>(
  replicas: readonly Replica[],
): readonly Replica[] {
  if (replicas.length < 2) return replicas;
  const ranked = replicas.map((replica) => ({ replica, rank: rankOf(replica.record) }));
  return ranked.sort((a, b) => a.rank.group - b.rank.group || a.rank.order - b.rank.order)
    .map(({ replica }) => replica);
}

function rankOf(record: ReplicaRecord): { group: number; order: number } {
  if (record.isBackingOff) return { group: 2, order: record.backOffEndMs };
  // Somebody is finding out already what has become of it.
  const group = record.isStale && record.running > 0 ? 1 : 0;
  // Within a factor of about two, differences are chance.
  return { group, order: Math.round(Math.log2(Math.max(record.paceMs, 0.01))) };
}
