/**
 * What the hub counts, as text for Prometheus.
 *
 * @module
 */

/** Upper ends of the histogram's buckets, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

/** Labels of a series. */
export type Labels = Readonly<Record<string, string | number>>;

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Counters and histograms by name and labels. */
export class HubMetrics {
  readonly #help = new Map<string, { readonly type: string; readonly help: string }>();
  readonly #numbers = new Map<string, Map<string, number>>();
  readonly #histograms = new Map<string, Map<string, Histogram>>();
  readonly #gauges = new Map<string, () => number>();

  /** Adds to a counter. Labels must come from a small set: never from a client's text. */
  count(name: string, help: string, labels: Labels = {}, by = 1): void {
    this.#help.set(name, { type: "counter", help });
    const series = getOrMake(this.#numbers, name, () => new Map<string, number>());
    const key = labelText(labels);
    series.set(key, (series.get(key) ?? 0) + by);
  }

  /** Notes how long something took, in seconds. */
  observe(name: string, help: string, labels: Labels, seconds: number): void {
    this.#help.set(name, { type: "histogram", help });
    const series = getOrMake(this.#histograms, name, () => new Map<string, Histogram>());
    const histogram = getOrMake(series, labelText(labels), () => ({
      counts: BUCKETS.map(() => 0),
      sum: 0,
      count: 0,
    }));
    for (const [index, end] of BUCKETS.entries()) {
      if (seconds <= end) histogram.counts[index]!++;
    }
    histogram.sum += seconds;
    histogram.count++;
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
      for (const [labels, value] of this.#numbers.get(name) ?? []) {
        lines.push(`${name}${braced(labels)} ${value}`);
      }
      for (const [labels, histogram] of this.#histograms.get(name) ?? []) {
        const rest = labels === "" ? "" : `${labels},`;
        BUCKETS.forEach((end, index) =>
          lines.push(`${name}_bucket{${rest}le="${end}"} ${histogram.counts[index]}`)
        );
        lines.push(`${name}_bucket{${rest}le="+Inf"} ${histogram.count}`);
        lines.push(`${name}_sum${braced(labels)} ${histogram.sum}`);
        lines.push(`${name}_count${braced(labels)} ${histogram.count}`);
      }
    }
    return `${lines.join("\n")}\n`;
  }
}

function getOrMake<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

function labelText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) =>
    `${name}="${String(value).replace(/["\\\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`)}"`
  ).join(",");
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
