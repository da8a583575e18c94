import type { ClientBase } from "pg";
import { CALL_EVENTS_MAX, type CallEvent } from "../assemble/index.ts";
import type { Assembler } from "../ingest/assembler.ts";
import { type History, itemsOf, readHistory, type Retold, tellItems } from "../ingest/retell.ts";
import { addMarkers, type Touched } from "../ingest/touched.ts";
import type { SiteContext } from "../ingest/types.ts";
import type { LockedCall } from "../store/lockCalls.ts";
import { readWrittenCalls, type WrittenCall } from "../store/readWrittenCalls.ts";
import { keepSettled, siteFor } from "./keep.ts";

/** A call as stored: its row, what was made of it, and its events. */
export interface StoredCall {
  touched: Touched;
  row: LockedCall;
  written: WrittenCall;
  /** Its own events, in any order; the same one may be there from the log and from raw_data. */
  own: CallEvent[];
  /** The site's events that may concern it. */
  site: CallEvent[];
}

/** Reads everything stored of locked calls. */
export async function readStored(
  client: ClientBase,
  rows: readonly LockedCall[],
  sites: ReadonlyMap<number, SiteContext>,
): Promise<{ calls: StoredCall[]; history: History }> {
  const written = await readWrittenCalls(
    client,
    rows.map((row) => row.id),
  );
  const known = rows.flatMap((row) => {
    const own = written.get(row.id);
    const site = sites.get(row.siteId);
    if (own === undefined || site === undefined) return [];
    return [{ row, own, touched: touch(siteFor(site, own, row.state), row) }];
  });
  const touched = known.map((call) => call.touched);
  await addMarkers(client, touched);
  const history = await readHistory(client, touched);
  const calls = known.map(({ row, own, touched }): StoredCall => {
    const events = history.events.get(row.id) ?? [];
    const kept = events.filter((event) => event.site === true);
    return {
      touched,
      row,
      written: own,
      own: events.filter((event) => event.site !== true),
      site: [...touched.markers, ...kept],
    };
  });
  return { calls, history };
}

function touch(site: SiteContext, row: LockedCall): Touched {
  return { site, rows: [row], newKeys: [], waitingKeys: [], fresh: [], markers: [] };
}

/** Tells a call anew; what was settled stays. `parts`: calls that merged into it just now. */
export function tellAgain(
  { touched, written, own, site }: StoredCall,
  history: History,
  assembler: Assembler,
  parts: readonly WrittenCall[] = [],
): Retold {
  const retold = tellItems(touched, itemsOf(own, site), history, assembler);
  return retold.call === undefined ? retold : { ...retold, call: keepSettled(retold.call, written, parts) };
}

/**
 * False when events that once made the call are nowhere any more: then what is stored is worth more than a new telling.
 * A final call keeps its events itself, though of a truncated one not all.
 */
export function hasItsEvents({ written, own, site }: StoredCall, { linkKeys }: Assembler): boolean {
  if (written.kept && written.row.eventCount <= CALL_EVENTS_MAX) return true;
  const counted = itemsOf(own, site).filter((item) => item.own || linkKeys(item.event.ev).length > 0);
  return counted.length >= written.row.eventCount;
}
