import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import type { CallEvent } from "../types.ts";

/** One row of Asterisk's call detail records, as the agent read it from a file. Times are epoch ms, with whatever fraction the file has: it tells what came first. */
export interface CdrRow {
  event: CallEvent;
  /** Uniqueid of `channel`, or what stands for it where the file has none. */
  id: string;
  channel: string;
  linkedid: string;
  /** The channel it was connected with, or tried to; null: none. */
  other: string | null;
  application: string;
  data: string;
  start: number;
  /** Null: never answered. */
  answer: number | null;
  end: number;
  disposition: string;
  sequence: number;
  /** The file has no fractions of seconds: what began and ended in the same one need not have been at once. */
  coarse: boolean;
}

/** A row that has no fractions of seconds may have begun and ended later by so much, ms. */
export const COARSE_MS = 1_000;

/** By how much times of these rows may be too early, ms: the file has no fractions. */
export function cutMsOf(rows: readonly CdrRow[]): number {
  return rows.some(({ coarse }) => coarse) ? COARSE_MS : 0;
}

/** Whether the channel of that name is at one of the row's ends. */
export function isAtEnd({ channel, other }: CdrRow, name: string): boolean {
  return channel === name || other === name;
}

/** The event as a CDR row; undefined when it names no channel or says nothing of when. */
export function cdrRowOf(event: CallEvent): CdrRow | undefined {
  const { ev } = event;
  const channel = header(ev, "Channel");
  const [start, end] = [msOf(ev, "StartTime"), msOf(ev, "EndTime") ?? msOf(ev, "Timestamp")];
  if (ev.Event !== "Cdr" || channel === undefined || start === null || end === null) return undefined;
  const id = idOf(ev, channel);
  return {
    event,
    id,
    channel,
    linkedid: header(ev, "LinkedID") ?? id,
    other: header(ev, "DestinationChannel") ?? null,
    application: header(ev, "LastApplication") ?? "",
    data: header(ev, "LastData") ?? "",
    start,
    answer: answerOf(ev, start, end),
    end: Math.max(start, end),
    disposition: (header(ev, "Disposition") ?? "").toUpperCase(),
    sequence: Number(header(ev, "Sequence") ?? "0"),
    coarse: start % COARSE_MS === 0 && end % COARSE_MS === 0,
  };
}

/** Without a column for it: as long before the end as was billed. */
function answerOf(ev: AmiEvent, start: number, end: number): number | null {
  if (ev["AnswerTime"] !== undefined) return msOf(ev, "AnswerTime");
  const billed = Number(header(ev, "BillableSeconds") ?? "0");
  const isAnswered = header(ev, "Disposition")?.toUpperCase() === "ANSWERED";
  return isAnswered && Number.isFinite(billed) ? Math.max(start, end - billed * 1000) : null;
}

/** Files need not have a Uniqueid: when its row began and the channel's name are as good as one, and sort by age as well. */
function idOf(ev: AmiEvent, channel: string): string {
  return header(ev, "UniqueID") ?? `${header(ev, "StartTime") ?? ""} ${channel}`;
}

function msOf(ev: AmiEvent, name: string): number | null {
  const seconds = Number(header(ev, name) ?? "");
  return seconds > 0 && Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** Rows of one channel follow upon each other, and those of a Local pair or a transfer begin or end together, within this, ms. */
const TOGETHER_MS = 2_000;
const BUCKET_MS = 10_000;

/** Its rows name who else is in it: they joined the same conference, and are calls of their own. */
export const CONFERENCE = "ConfBridge";

/**
 * What ties a row to the others of its call beside the Linkedid, which a file need not have and an attended transfer leaves
 * as it was: each channel in it by name, when the row began and when it ended. Rows that name the same channel at the same
 * moment have one of these in common.
 */
export function cdrKeys(ev: AmiEvent): string[] {
  const channel = header(ev, "Channel");
  if (channel === undefined) return [];
  const own = header(ev, "UniqueID") === undefined ? [idOf(ev, channel)] : [];
  const moments = [msOf(ev, "StartTime"), msOf(ev, "EndTime") ?? msOf(ev, "Timestamp")].filter((at) => at !== null);
  const buckets = moments.flatMap((at) => [at - TOGETHER_MS, at + TOGETHER_MS]).map((at) => Math.floor(at / BUCKET_MS));
  const other = header(ev, "LastApplication") === CONFERENCE ? "" : (header(ev, "DestinationChannel") ?? "");
  const names = [channel, other].filter((name) => name !== "");
  const keys = names.flatMap((name) => buckets.map((bucket) => `${name.replace(/;[12]$/, "")} ${bucket}`));
  return [...new Set([...own, ...keys])];
}
