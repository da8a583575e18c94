import { type CdrRow, COARSE_MS, isAtEnd } from "./cdr-row.ts";
import type { Listening } from "./listening.ts";
import type { HeardStay } from "./stays.ts";

/** Out of one bridge and into another takes no longer, ms. */
const AT_ONCE_MS = 100;

/** What is known of those who met. */
interface Known {
  rows: readonly CdrRow[];
  listening: Listening;
  /** By channel name. */
  ids: ReadonlyMap<string, string>;
  /** By channel id. */
  stays: ReadonlyMap<string, readonly HeardStay[]>;
}

/** In which bridges channels met that CDR rows say were connected, as far as it was heard. Times are epoch ms. */
export class Meetings {
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  /** Where the channel was heard to be while the row says that it was connected: for the better part of the shorter of the two. */
  stayOf(row: CdrRow, name: string, at: number): HeardStay | undefined {
    const end = latestEnd(row);
    return this.#heard(name).find((stay) => {
      const from = stay.entered ? stay.from : this.#unheardStart(name, stay.from);
      const until = stay.to ?? this.#unheardEnd(name, from);
      const shared = Math.min(until, end) - Math.max(from, at);
      return shared > 0 && shared >= Math.min(until - from, end - at) / 2;
    });
  }

  /** Where the two met: where one of them was heard to be, and longest if both were. */
  bridgeOf(row: CdrRow, at: number): string {
    const names = [row.other, row.channel].filter((name) => name !== null);
    const stays = names.flatMap((name) => {
      const stay = this.stayOf(row, name, at);
      const until = stay === undefined ? 0 : (stay.to ?? this.#unheardEnd(name, stay.from));
      return stay === undefined ? [] : [{ bridge: stay.bridge, until }];
    });
    return stays.toSorted((a, b) => b.until - a.until)[0]?.bridge ?? `${row.id} ${row.answer ?? row.start}`;
  }

  /** Whether somebody listened when the two parted, or went on together. */
  wasEndHeard(row: CdrRow): boolean {
    return this.#known.listening.at(latestEnd(row));
  }

  /** Whether the channel was heard to go into that bridge then. */
  wentTo(name: string, bridge: string, at: number): boolean {
    return this.#heard(name).some((stay) => stay.entered && stay.bridge === bridge && stay.from >= at - AT_ONCE_MS);
  }

  #heard(name: string): readonly HeardStay[] {
    return this.#known.stays.get(this.#known.ids.get(name) ?? "") ?? [];
  }

  /** When it entered, if nobody heard that: with the last row of it that was answered before it was known to be there. */
  #unheardStart(name: string, seenAt: number): number {
    const answers = this.#rowsOf(name).map(({ answer }) => answer ?? Infinity);
    return Math.max(...answers.filter((at) => at <= seenAt));
  }

  /** When it left, if nobody heard that: with a row of it that ended while nobody listened. */
  #unheardEnd(name: string, from: number): number {
    const own = this.#rowsOf(name).filter((row) => latestEnd(row) > from && !this.wasEndHeard(row));
    return Math.min(...own.map((row) => (row.end > from ? row.end : latestEnd(row))));
  }

  #rowsOf(name: string): CdrRow[] {
    return this.#known.rows.filter((row) => isAtEnd(row, name));
  }
}

function latestEnd({ end, coarse }: CdrRow): number {
  return end + (coarse ? COARSE_MS : 0);
}
