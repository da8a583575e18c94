import Table from "cli-table3";

/** One measured figure beside its limit, both taken in the same run on the same machine. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  limit?: { what: string; value: number };
  /** How the value stands to its limit: a share of it for rates, a multiple of it for times. */
  ratio?: number;
  /** What the ratio should reach, in words. */
  aim?: string;
}

/** A part of the benchmark: its name for `--only`, and what it measures. */
export interface Bench {
  name: string;
  what: string;
  run(say: (line: string) => void): Promise<Figure[]>;
}

/** `value` against `limit`, with the ratio worked out. */
export function figure(what: string, unit: string, value: number, limit?: Figure["limit"], aim?: string): Figure {
  const ratio = limit === undefined ? {} : { limit, ratio: round(value / limit.value, 3) };
  return { what, unit, value: round(value, value < 10 ? 3 : 1), ...ratio, ...(aim === undefined ? {} : { aim }) };
}

/** The p-th percentile (0..100) of some numbers; NaN of none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}

export function tableOf(figures: readonly Figure[]): string {
  const table = new Table({
    head: ["figure", "value", "limit in the same run", "ratio", "aim"],
    style: { head: [], border: [] },
  });
  for (const { what, value, unit, limit, ratio, aim } of figures) {
    const bare = limit === undefined ? "" : `${readable(limit.value)} ${unit} (${limit.what})`;
    table.push([what, `${readable(value)} ${unit}`, bare, ratio ?? "", aim ?? ""]);
  }
  return table.toString();
}

function readable(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
