import { clockTime } from "../facts/moment.ts";
import { secondOf } from "../keys.ts";
import type { CallEvent } from "../types.ts";
import { type CdrRow, cutMsOf } from "./cdr-row.ts";
import type { Clocks } from "./listening.ts";
import { clockAhead, LATE_MS_MAX } from "./twins.ts";

/** A record begins with its channel, whose id has that second, unless an earlier one of it was not read; ms of slack. */
export const BEGUN_EARLIER_MS_MIN = 1_500;

/** How the clocks of detail records and of what was heard stand to each other, by the channels both tell of. */
export function clocksOf(
  rows: readonly CdrRow[],
  seen: ReadonlyMap<string, number>,
  live: readonly CallEvent[],
): Clocks {
  const apart = madeApart(rows, seen, live);
  const aheadMs = clockAhead(apart);
  const latest = Math.max(aheadMs, ...apart) - aheadMs - cutMsOf(rows);
  return { aheadMs, lateMs: Math.min(LATE_MS_MAX, Math.max(0, latest)) };
}

/** How much later than its first record says a channel was heard to be made, ms; one whose first was not read says nothing. */
function madeApart(rows: readonly CdrRow[], seen: ReadonlyMap<string, number>, live: readonly CallEvent[]): number[] {
  const first = new Map<string, CdrRow>();
  for (const row of rows) if (!first.has(row.id)) first.set(row.id, row);
  return [...first.values()].flatMap(({ id, start }) => {
    const heard = live[seen.get(`made ${id}`) ?? -1];
    const isFirst = Math.abs(start - (secondOf(id) ?? Infinity)) < BEGUN_EARLIER_MS_MIN;
    return heard?.ev.Event === "Newchannel" && isFirst ? [clockTime(heard) - start] : [];
  });
}
