import type { ClientBase } from "pg";
import { header, MARKERS } from "../../shared/ami-event.ts";
import type { AssembledCall } from "../assemble/index.ts";
import { endRepairing, noteRepairing, type Repairing, settleRepairs } from "../store/repairing.ts";
import type { FreshEvent, Sorted } from "./fresh.ts";
import { INGEST_LIMITS } from "./limits.ts";

/** The PBX's clock and its agent's agree that far, ms. */
const CLOCKS_AGREE_MS = 2_000;

/**
 * Notes which of these markers say that Asterisk's own files are being read, and which that this is over. Returns the sites
 * whose calls need wait no longer.
 */
export async function followRepairs(
  client: ClientBase,
  blind: readonly FreshEvent[],
  { streams }: Sorted,
  receivedAt: number,
): Promise<Set<number>> {
  const over = new Set<number>();
  for (const { site, streamId, event } of blind.filter(beginsRepair)) {
    const begun = { siteId: site.id, streamId, seq: event.seq, at: event.at };
    const noted = await noteRepairing(client, begun, receivedAt + INGEST_LIMITS.repairWaitMsMax);
    if (noted !== undefined) streams.get(streamId)?.repairing.push(noted);
  }
  for (const { site, event } of blind.filter(({ event: { ev } }) => ev.Event === MARKERS.recovered)) {
    const to = Number(header(event.ev, "To"));
    if (!Number.isFinite(to)) continue;
    await endRepairing(client, site.id, to);
    for (const view of streams.values()) {
      if (view.siteId === site.id) view.repairing = view.repairing.filter((each) => each.to > to + 5_000);
    }
    over.add(site.id);
  }
  await settleRepairs(client, [...new Set(blind.map(({ site }) => site.id))]);
  return over;
}

function beginsRepair({ event: { ev } }: FreshEvent): boolean {
  return ev.Event === MARKERS.captureStarted && header(ev, "Repair") === "pending";
}

/** Whether the call ran while the agent was blind, and what it missed is still being read. */
export function isBeingRepaired(
  { startTime, endTime }: Pick<AssembledCall, "startTime" | "endTime">,
  repairs: readonly Repairing[],
  now: number,
): boolean {
  return repairs.some(
    ({ from, to, until }) =>
      now < until && startTime <= to + CLOCKS_AGREE_MS && (endTime ?? Infinity) >= from - CLOCKS_AGREE_MS,
  );
}

/** By site: its blindness of which files are being read. */
export function repairsOf({ streams }: Sorted): Map<number, Repairing[]> {
  const sites = new Map<number, Repairing[]>();
  for (const { siteId, repairing } of streams.values()) {
    if (repairing.length > 0) sites.set(siteId, [...(sites.get(siteId) ?? []), ...repairing]);
  }
  return sites;
}
