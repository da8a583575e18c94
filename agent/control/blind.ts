import {
  GAP_CAUSES,
  header,
  MARKERS,
  REPAIR_RESULTS,
  type AmiEvent,
  type GapCause,
  type RepairResult,
} from "../../shared/ami-event.ts";

/** A time the agent was blind or for which it lost events; epoch ms. */
export interface BlindPeriod {
  from: number;
  to: number;
  cause: GapCause;
  /** Events lost, where it is known. */
  count: number | null;
  /** What came of reading what Asterisk wrote itself in that time; null when nothing was (yet). */
  repair: { result: RepairResult; source: string; rows: number } | null;
}

const KEPT_MAX = 100;

/** The last gaps, newest last; kept between runs as text. */
export class BlindLog {
  #periods: BlindPeriod[];

  constructor(text: string | undefined) {
    const kept = text === undefined ? [] : (JSON.parse(text) as Omit<BlindPeriod, "repair">[]);
    this.#periods = kept.map((period) => ({ repair: null, ...period }));
  }

  get periods(): readonly BlindPeriod[] {
    return this.#periods;
  }

  /** True when the event says something new about a gap. A marker that is written anew is no second gap. */
  see(event: AmiEvent): boolean {
    if (event.Event === MARKERS.gap) return this.#add(periodOf(event));
    return event.Event === MARKERS.recovered && this.#repaired(event);
  }

  /** What was seen before what earlier runs saw could be read. */
  addAll(periods: readonly BlindPeriod[]): void {
    for (const period of periods) this.#add(period);
  }

  #add(period: BlindPeriod): boolean {
    const { from, to, cause } = period;
    if (this.#periods.some((known) => known.from === from && known.to === to && known.cause === cause)) return false;
    this.#periods = [...this.#periods, period].slice(-KEPT_MAX);
    return true;
  }

  #repaired(event: AmiEvent): boolean {
    const [from, to] = timesOf(event);
    const result = REPAIR_RESULTS.find((known) => known === header(event, "Result")) ?? "failed";
    const repair = { result, source: header(event, "Source") ?? "", rows: Number(header(event, "Rows") ?? 0) };
    const touched = (period: BlindPeriod) => period.from < to && period.to > from;
    this.#periods = this.#periods.map((period) => (touched(period) ? { ...period, repair } : period));
    return this.#periods.some(touched);
  }

  toString(): string {
    return JSON.stringify(this.#periods);
  }
}

function periodOf(event: AmiEvent): BlindPeriod {
  const cause = GAP_CAUSES.find((known) => known === header(event, "Cause")) ?? "agent_down";
  const [from, to] = timesOf(event);
  const count = header(event, "Count");
  return { from, to, cause, count: count === undefined ? null : Number(count), repair: null };
}

function timesOf(event: AmiEvent): [from: number, to: number] {
  return [Number(header(event, "From") ?? 0), Number(header(event, "To") ?? 0)];
}
