import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import { listCalls, listChangeableCalls, type ListedCall } from "../store/listCalls.ts";

export interface Listener {
  /** A call appeared or its row changed. */
  changed(call: ListedCall): void;
  /** A call's row went: it merged into another. */
  gone(id: number): void;
  /** The database did not answer; told once until it does again. */
  lost(message: string): void;
  stop: AbortSignal;
}

const pollMs = 300;
const retryMs = 2_000;
/** Calls whose last printed revision is remembered; open ones stay, the oldest final ones go first. */
const rememberedMax = 5_000;

/** What was printed last of each call: its revision, and whether it may still change. */
type Printed = Map<number, { revision: number; open: boolean }>;

/** Tells the `last` newest calls, then every change, until `stop`. */
export async function followCalls(
  pool: Pool,
  { last, site }: { last: number; site?: number | undefined },
  listener: Listener,
): Promise<void> {
  const printed: Printed = new Map();
  // What exists already is not news: only the newest `last` of it is told.
  for (const call of await listChangeableCalls(pool, { site, watched: [] })) remember(printed, call);
  for (const call of await listCalls(pool, { last, site })) {
    remember(printed, call);
    listener.changed(call);
  }
  let lost = false;
  while (!listener.stop.aborted) {
    try {
      await look(pool, site, printed, listener);
      lost = false;
    } catch (error) {
      if (!lost) listener.lost(messageOf(error));
      lost = true;
    }
    await sleep(lost ? retryMs : pollMs, undefined, { signal: listener.stop }).catch(() => undefined);
  }
}

async function look(pool: Pool, site: number | undefined, printed: Printed, listener: Listener): Promise<void> {
  const watched = [...printed].filter(([, { open }]) => open).map(([id]) => id);
  const calls = await listChangeableCalls(pool, { site, watched });
  for (const call of calls) {
    if (printed.get(call.id)?.revision === call.revision) continue;
    remember(printed, call);
    listener.changed(call);
  }
  const there = new Set(calls.map((call) => call.id));
  for (const id of watched.filter((one) => !there.has(one))) {
    printed.delete(id);
    listener.gone(id);
  }
}

function remember(printed: Printed, call: ListedCall): void {
  printed.delete(call.id);
  printed.set(call.id, { revision: call.revision, open: call.state !== "final" });
  if (printed.size <= rememberedMax) return;
  for (const [id, { open }] of printed) {
    if (open) continue;
    printed.delete(id);
    return;
  }
}
