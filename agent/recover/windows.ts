import type { WindowReport } from "../../shared/wire.ts";

interface Time {
  from: number;
  to: number;
}

/** A window of the server for which the outbox has said how far back it goes; undefined: it has nothing. */
export interface ReadyWindow extends Time {
  id: string;
  retainedFrom: number | undefined;
}

/** Windows remembered: more than the outbox tells of. */
const WINDOWS_MAX = 50;

/** The part that files have in the windows the server asked for. */
export class Windows {
  /** Not yet looked at: the outbox has not answered. */
  readonly #asked = new Map<string, Time>();
  /** Rows read of those that are done with. */
  readonly #rows = new Map<string, number>();

  /** A window is taken once, however often the server repeats it. */
  ask(id: string, from: number, to: number): void {
    if (this.#rows.has(id)) return;
    this.#asked.set(id, { from, to });
    this.took(id);
  }

  took(id: string): void {
    this.#rows.set(id, 0);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > WINDOWS_MAX && oldest !== undefined) this.#rows.delete(oldest);
  }

  read(id: string, rows: number): void {
    this.#rows.set(id, (this.#rows.get(id) ?? 0) + rows);
  }

  /** Those the outbox has answered for, once. */
  ready(reports: readonly WindowReport[]): ReadyWindow[] {
    return reports.flatMap(({ id, retained_from: retainedFrom }) => {
      const time = this.#asked.get(id);
      this.#asked.delete(id);
      return time === undefined ? [] : [{ id, ...time, retainedFrom }];
    });
  }

  /** As long as files are still read for it a window is not done, though nothing is left in the outbox. */
  report(report: WindowReport, jobs: number, rowsUnderWay: number): WindowReport {
    const open = jobs + (this.#asked.has(report.id) ? 1 : 0);
    const rows = (this.#rows.get(report.id) ?? 0) + rowsUnderWay;
    return { ...report, total: report.total + rows + open, left: report.left + open };
  }
}

/** Of a window: what is older than the outbox, and what the agent did not hear; joined where they touch. */
export function partsToRead(window: Time, retainedFrom: number, blind: readonly Time[]): Time[] {
  const parts = [{ from: window.from, to: retainedFrom }, ...blind]
    .map(({ from, to }) => ({ from: Math.max(from, window.from), to: Math.min(to, window.to) }))
    .filter(({ from, to }) => from < to)
    .toSorted((a, b) => a.from - b.from);
  const joined: Time[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last !== undefined && part.from <= last.to) last.to = Math.max(last.to, part.to);
    else joined.push(part);
  }
  return joined;
}
