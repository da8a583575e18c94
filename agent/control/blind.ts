import { GAP_CAUSES, header, MARKERS, type AmiEvent, type GapCause } from "../../shared/ami-event.ts";

/** A time the agent was blind or for which it lost events; epoch ms. */
export interface BlindPeriod {
  from: number;
  to: number;
  cause: GapCause;
  /** Events lost, where it is known. */
  count: number | null;
}

const KEPT_MAX = 100;

/** The last gaps, newest last; kept between runs as text. */
export class BlindLog {
  #periods: BlindPeriod[];

  constructor(text: string | undefined) {
    this.#periods = text === undefined ? [] : (JSON.parse(text) as BlindPeriod[]);
  }

  get periods(): readonly BlindPeriod[] {
    return this.#periods;
  }

  /** True when the event was a gap. */
  see(event: AmiEvent): boolean {
    if (event.Event !== MARKERS.gap) return false;
    const cause = GAP_CAUSES.find((known) => known === header(event, "Cause")) ?? "agent_down";
    const [from, to] = [Number(header(event, "From") ?? 0), Number(header(event, "To") ?? 0)];
    const count = header(event, "Count");
    this.#periods = [...this.#periods, { from, to, cause, count: count === undefined ? null : Number(count) }].slice(
      -KEPT_MAX,
    );
    return true;
  }

  toString(): string {
    return JSON.stringify(this.#periods);
  }
}
