import { type AssembledCall, CALL_EVENTS_MAX, clockTime } from "../assemble/index.ts";
import type { Item } from "./tell.ts";
import type { Position } from "./types.ts";

/** An event on its way into calls.raw_data: `{stream, seq, at, origin, ev}` as JSON, with `site: true` on the site's own. */
export interface Kept extends Position {
  own: boolean;
  /** When the agent heard it, or what the row of a file says, epoch ms. */
  at: number;
  /** A row of Asterisk's own files: its place in its stream says nothing of when. */
  byTime: boolean;
  /** A Hangup: counts however long the call is. */
  ends: boolean;
  json: string;
}

/** Told events as they will be kept; `ev` is spliced in as it came where its text is still at hand. */
export function keepItems(items: readonly Item[]): Kept[] {
  return items.map(({ event, own }) => {
    const { stream, seq, at, origin, ev, body } = event;
    const byTime = origin === "recovered";
    const place = `{"stream":${stream},"seq":${seq},"at":${at},"origin":"${origin}","ev":`;
    const json = `${place}${body ?? JSON.stringify(ev)}${own ? "}" : ',"site":true}'}`;
    return { stream, seq, at: byTime ? clockTime(event) : at, byTime, own, ends: ev.Event === "Hangup", json };
  });
}

/** Copies of their own: a text cut out of a batch's body would hold the whole body in memory. */
export function detach(kept: readonly Kept[]): Kept[] {
  return kept.map((each) => ({ ...each, json: Buffer.from(each.json).toString() }));
}

/**
 * calls.raw_data: the call's events, and the site's markers that came while the call could still change. Of a call that
 * outgrew its bound, what assembly still heeds then: hangups and markers.
 */
export function rawDataOf(call: AssembledCall, kept: readonly Kept[]): string {
  const used = kept.filter((each) => each.own || isWithin(call, each));
  const heeded = used.filter(({ own, ends }, at) => at < CALL_EVENTS_MAX || ends || !own);
  return `[${heeded.map(({ json }) => json).join(",")}]`;
}

function isWithin(call: AssembledCall, { stream, seq, at, byTime }: Kept): boolean {
  if (byTime || call.proof.length === 0) return at >= call.startTime && at <= lastNeeded(call);
  return call.proof.some((range) => range.stream === stream && range.fromSeq <= seq && seq <= range.toSeq);
}

/** What stands by its time, and markers of a call that no outbox heard of, count until it was over, or known to be over. */
function lastNeeded({ endTime, extra }: AssembledCall): number {
  const before = extra["ended_before"];
  return Math.max(endTime ?? 0, typeof before === "number" ? before : 0);
}
