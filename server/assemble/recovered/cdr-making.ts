import type { AmiEvent } from "../../../shared/ami-event.ts";
import type { CallEvent } from "../types.ts";
import type { CdrRow } from "./cdr-row.ts";
import type { Listening } from "./listening.ts";
import type { Meetings } from "./meetings.ts";
import { LATE_MS_MAX } from "./twins.ts";

/** What a row tells: the event it stands for; `twin` is the place in the live stream of what told it already, null: nothing did. */
export interface Told {
  event: CallEvent;
  twin: number | null;
}

/** Rows of one call on their way into events: what is known of channels, and what was made of them so far. */
export interface Making {
  rows: readonly CdrRow[];
  /** By channel name: its id, where one is known. */
  ids: Map<string, string>;
  listening: Listening;
  /** What was seen live, and where. */
  seen: ReadonlyMap<string, number>;
  /** When that was, by Asterisk's clock, epoch ms. */
  heardAt(place: number): number;
  meetings: Meetings;
  /** Ids of channels that were heard to call in by themselves: nobody rang for them. */
  placed: ReadonlySet<string>;
  /** Something was: then queues and voicemail are left to what was heard of them. */
  heard: boolean;
  begun: Set<string>;
  runs: Map<string, { data: string; end: number }>;
  made: Told[];
}

export function channel(
  making: Making,
  row: CdrRow,
  name: string,
): { Uniqueid: string; Linkedid: string; Channel: string } {
  return { Uniqueid: idOf(making, row, name), Linkedid: row.linkedid, Channel: name };
}

export function dest(making: Making, row: CdrRow, name: string): { DestUniqueid: string; DestChannel: string } {
  return { DestUniqueid: idOf(making, row, name), DestChannel: name };
}

/** A channel that only ever was the other end has no id in any row: its name within the call stands for one. */
export function idOf({ ids }: Making, row: CdrRow, name: string): string {
  const known = ids.get(name) ?? `${row.linkedid} ${name}`;
  ids.set(name, known);
  return known;
}

/** What a channel may do again, as far as it was heard at about that time. */
export function factNear({ seen, heardAt }: Making, fact: string, at: number): string | undefined {
  const place = seen.get(fact);
  return place !== undefined && Math.abs(heardAt(place) - at) <= LATE_MS_MAX ? fact : undefined;
}

/** `fact` names what a live event may have told already. */
export function tell({ made, seen }: Making, row: CdrRow, at: number, ev: AmiEvent, fact?: string): void {
  const event = { ...row.event, ev: { ...ev, Timestamp: String(at / 1000) }, row: row.event.ev };
  made.push({ event, twin: (fact === undefined ? undefined : seen.get(fact)) ?? null });
}
