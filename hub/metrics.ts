/**
 * What the hub counts, as text for Prometheus.
 *
 * @module
 */

/** Upper ends of the histogram's buckets, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

/** Labels of a series. */
export type Labels = Readonly<Record<string, string | number>>;

/** A number that only grows. */
export class Counter {
  /** Its value. */
  value = 0;
}

/** How many of a series lie in each bucket, and their sum. */
export class Histogram {
  /** By bucket, each without those before; the last is for what is larger than all of them. */
  readonly counts: number[] = Array.from({ length: BUCKETS.length + 1 }, () => 0);
  sum = 0;

  /** Notes how long something took, in seconds. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += seconds;
  }
}

/**
 * Counters and histograms by name and labels. Who counts often keeps the counter: to find it by its
 * labels takes longer than to count.
 */
export class HubMetrics {
  readonly #help = new Map<string, { readonly type: string; readonly help: string }>();
  readonly #counters = new Map<string, Map<string, Counter>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();
  readonly #gauges = new Map<string, () => number>();

  /** The counter of those labels. They must come from a small set: never from a client's text. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    this.#help.set(name, { type: "counter", help });
    const series = this.#counters.getOrInsertComputed(name, () => new Map());
    return series.getOrInsertComputed(labelText(labels), () => new Counter());
  }

  /** The histogram of those labels, as with {@link counter}. */
  histogram(name: string, help: string, labels: Labels): Histogram {
    this.#help.set(name, { type: "histogram", help });
    const series = this.#histograms.getOrInsertComputed(name, () => new Map());
    return series.getOrInsertComputed(labelText(labels), () => new Histogram());
  }

  /** Names a value that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#help.set(name, { type: "gauge", help });
    this.#gauges.set(name, read);
  }

  /** All of it, in Prometheus's text format. */
  text(): string {
    const lines: string[] = [];
    for (const [name, { type, help }] of this.#help) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      const gauge = this.#gauges.get(name);
      if (gauge !== undefined) lines.push(`${name} ${gauge()}`);
      for (const [labels, { value }] of this.#counters.get(name) ?? []) {
        lines.push(`${name}${braced(labels)} ${value}`);
      }
      for (const [labels, histogram] of this.#histograms.get(name) ?? []) {
        const rest = labels === "" ? "" : `${labels},`;
        let count = 0;
        for (const [bucket, inBucket] of histogram.counts.entries()) {
          count += inBucket;
          lines.push(`${name}_bucket{${rest}le="${BUCKETS[bucket] ?? "+Inf"}"} ${count}`);
        }
        lines.push(`${name}_sum${braced(labels)} ${histogram.sum}`);
        lines.push(`${name}_count${braced(labels)} ${count}`);
      }
    }
    return `${lines.join("\n")}\n`;
  }
}

function labelText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) =>
    `${name}="${String(value).replace(/["\\\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`)}"`
  ).join(",");
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
