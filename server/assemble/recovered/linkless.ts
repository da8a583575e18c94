import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import { isExternalNumber, parseChannelName } from "../names.ts";
import type { CallEvent } from "../types.ts";

/** Both halves of a Local pair are made within this, ms. */
const BUCKET_MS = 10_000;
const TOGETHER_MS = 1_000;

/**
 * What ties CEL rows together where the log has no Linkedid (Asterisk's own example for SQLite leaves it out): a bridge two
 * channels were in, and the pair that Local channels are. A phone that rang in vain has nothing in common with its caller.
 */
export function linklessKeys(ev: AmiEvent): string[] {
  if (header(ev, "LinkedID") !== undefined) return [];
  const channel = header(ev, "Channel") ?? "";
  const bridge = /"bridge_id"\s*:\s*"([^"]+)"/.exec(header(ev, "Extra") ?? "")?.[1];
  const isTalk = header(ev, "Application") !== "ConfBridge" && !String(ev["Extra"] ?? "").includes("holding_bridge");
  const keys = bridge !== undefined && isTalk ? [`bridge ${bridge}`] : [];
  const { pair } = parseChannelName(channel);
  if (pair !== null && header(ev, "EventName") === "CHAN_START") {
    const at = Number(header(ev, "Timestamp") ?? "0") * 1000;
    for (const moment of [at - TOGETHER_MS, at + TOGETHER_MS]) keys.push(`${pair} ${Math.floor(moment / BUCKET_MS)}`);
  }
  return [...new Set(keys)];
}

/**
 * Rows of one call with the Linkedid they would have had: that of the channel that called in, or of what was heard live.
 * Null for rows of which nothing can be made: a phone that rang, and nobody knows for whom.
 */
export function linkRows<T extends { event: CallEvent }>(rows: readonly T[], live: readonly CallEvent[]): (T | null)[] {
  const linkless = rows.filter(({ event: { ev } }) => isLinkless(ev));
  if (linkless.length === 0) return [...rows];
  const rung = new Set(linkless.filter(({ event: { ev } }) => isRung(ev)).map(({ event }) => idOf(event.ev)));
  const heard = live.flatMap(({ ev }) => header(ev, "Linkedid") ?? [])[0];
  const main = heard ?? linkless.map(({ event }) => idOf(event.ev)).find((id) => !rung.has(id));
  return rows.map((item) => {
    const { event } = item;
    if (!isLinkless(event.ev)) return item;
    if (main === undefined) return null;
    const LinkedID = rung.has(idOf(event.ev)) ? main : idOf(event.ev);
    return { ...item, event: { ...event, ev: { ...event.ev, LinkedID }, row: event.ev } };
  });
}

function isLinkless(ev: AmiEvent): boolean {
  return ev.Event === "CEL" && header(ev, "LinkedID") === undefined;
}

/** Somebody rings it: it runs no dialplan of its own, or it is half a Local pair. */
function isRung(ev: AmiEvent): boolean {
  const application = header(ev, "Application") ?? "";
  const isLine = application === "AppDial" || application === "AppQueue";
  return isLine || parseChannelName(header(ev, "Channel") ?? "").kind === "local" || isMade(ev);
}

/** Made by a Dial: no phone and no trunk calls `s` as itself. */
function isMade(ev: AmiEvent): boolean {
  const exten = header(ev, "Exten") ?? "s";
  return header(ev, "EventName") === "CHAN_START" && exten === "s" && !isExternalNumber(header(ev, "CallerIDnum"));
}

function idOf(ev: AmiEvent): string {
  return header(ev, "UniqueID") ?? "";
}
