import { type AmiEvent, GAP_CAUSES, header, MARKERS } from "../../shared/ami-event.ts";
import type { GapRow } from "../store/gaps.ts";
import type { FreshEvent } from "./fresh.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const EPOCH_MS_MAX = 8_640_000_000_000_000;

/** A gap as a marker tells it; `streamUuid` when it is about another outbox than the one it came in. */
export interface ToldGap extends GapRow {
  streamUuid: string | undefined;
}

const BLINDNESS: ReadonlySet<string> = new Set([
  MARKERS.gap,
  MARKERS.captureLost,
  MARKERS.captureStarted,
  MARKERS.streamContinued,
  MARKERS.recovered,
]);

/** How far the streams go which the one with this event replaces; nothing they had above will come. */
export function readContinued({ event: { ev } }: FreshEvent): { uuid: string; to: number }[] {
  if (ev.Event !== MARKERS.streamContinued) return [];
  const [uuids, ends] = [listOf(ev["Stream"]), listOf(ev["To"]).map(Number)];
  return uuids.flatMap((uuid, n) => {
    const to = ends[n] ?? -1;
    return UUID.test(uuid) && Number.isSafeInteger(to) && to >= 0 ? [{ uuid, to }] : [];
  });
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : [value].flat();
}

/** True for the markers that say when a site was blind. */
export function tellsBlindness(ev: AmiEvent): boolean {
  return BLINDNESS.has(ev.Event);
}

/** The agent began with an outbox that remembers nothing: whatever its earlier ones still had is gone. */
export function beginsNewOutbox({ event: { ev } }: FreshEvent): boolean {
  return ev.Event === MARKERS.captureStarted && header(ev, "Outbox") === "new";
}

/** The gap a marker tells of; undefined for any other event. A header that makes no sense counts as absent. */
export function readGap({ site, streamId, event }: FreshEvent): ToldGap | undefined {
  const { ev, seq, at } = event;
  const base = { siteId: site.id, streamId, markerSeq: seq, cause: causeOf(ev), detail: header(ev, "Detail") ?? null };
  if (ev.Event === MARKERS.captureLost) {
    const fromTime = time(ev, "Since") ?? at;
    return { ...base, fromTime, toTime: null, fromSeq: null, toSeq: null, count: null, streamUuid: undefined };
  }
  if (ev.Event !== MARKERS.gap) return undefined;
  const fromTime = time(ev, "From") ?? at;
  const seqs = seqRange(ev);
  const stream = header(ev, "Stream");
  return {
    ...base,
    fromTime,
    toTime: Math.max(time(ev, "To") ?? at, fromTime),
    fromSeq: seqs?.[0] ?? null,
    toSeq: seqs?.[1] ?? null,
    count: natural(ev, "Count") ?? null,
    streamUuid: stream !== undefined && UUID.test(stream) ? stream : undefined,
  };
}

function causeOf(ev: AmiEvent): string {
  const cause = header(ev, "Cause");
  return GAP_CAUSES.find((known) => known === cause) ?? "ami_lost";
}

function seqRange(ev: AmiEvent): [number, number] | undefined {
  const from = natural(ev, "FromSeq");
  const to = natural(ev, "ToSeq") ?? from;
  return from === undefined || to === undefined || from < 1 || to < from ? undefined : [from, to];
}

function time(ev: AmiEvent, name: string): number | undefined {
  const value = natural(ev, name);
  return value === undefined ? undefined : Math.min(value, EPOCH_MS_MAX);
}

function natural(ev: AmiEvent, name: string): number | undefined {
  const value = Number(header(ev, name));
  return Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : undefined;
}
