import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import { secondOf } from "../keys.ts";
import { isExternalNumber, isNumber, parseChannelName } from "../names.ts";
import type { CallEvent } from "../types.ts";
import { BEGUN_EARLIER_MS_MIN, clocksOf } from "./cdr-clocks.ts";
import { applied, beginRun, dialledAt, dialStatus, rings, STATUSES } from "./cdr-dials.ts";
import { channel, dest, factNear, idOf, type Making, tell, type Told } from "./cdr-making.ts";
import { CONFERENCE, type CdrRow, cdrRowOf, COARSE_MS, cutMsOf, isAtEnd } from "./cdr-row.ts";
import { Listening } from "./listening.ts";
import { Meetings } from "./meetings.ts";
import { ORIGINATED, secondsOf } from "./row.ts";
import { staysIn } from "./stays.ts";
import { factsIn } from "./twins.ts";

/** Connected for no longer than this nobody was: the dialplan had put the phone down already, ms. */
const CONNECTED_MS_MIN = 100;
/** Longer than this no channel lives before its first record, ms. */
const BEGUN_EARLIER_MS_MAX = 24 * 3_600_000;
const CAUSE_BUSY = "17";

/** What rows tell, in the order of their times by Asterisk's clock; the agent's is `aheadMs` ahead. The file may have cut off `cutMs` of each. */
export interface Telling {
  told: Told[];
  aheadMs: number;
  cutMs: number;
}

/**
 * The AMI events that CDR rows of one call stand for, as far as they can. A row knows who was connected with whom and when, not
 * who was busy, who hung up, or what happened in between; nor do two who were connected have to part with it: where somebody
 * listened, who was in which bridge is what was heard.
 */
export function eventsOfCdr(rows: readonly CallEvent[], live: readonly CallEvent[]): Telling {
  const own = rows.flatMap((event) => cdrRowOf(event) ?? []);
  const sorted = own.toSorted((a, b) => a.start - b.start || a.sequence - b.sequence || a.end - b.end);
  const seen = factsIn(live);
  const clocks = clocksOf(sorted, seen, live);
  const listening = new Listening(live, clocks);
  const ids = idsOf(sorted, live);
  const making: Making = {
    rows: sorted,
    ids,
    seen,
    heardAt: (place) => (live[place] === undefined ? Infinity : clockTime(live[place])) - clocks.aheadMs,
    listening,
    meetings: new Meetings({ rows: sorted, listening, ids, stays: staysIn(live) }),
    placed: new Set(live.flatMap(({ ev }) => placedBy(ev) ?? [])),
    heard: live.some(({ ev }) => ev["Uniqueid"] !== undefined && ev["Channel"] !== undefined),
    begun: new Set(),
    runs: new Map(),
    made: [],
  };
  for (const row of sorted) tellRow(making, row);
  const told = making.made.toSorted((a, b) => secondsOf(a.event) - secondsOf(b.event));
  return { told, aheadMs: clocks.aheadMs, cutMs: cutMsOf(sorted) };
}

function placedBy(ev: AmiEvent): string | undefined {
  const id = header(ev, "Uniqueid");
  return ev.Event === "Newchannel" && id === header(ev, "Linkedid") ? id : undefined;
}

function idsOf(rows: readonly CdrRow[], live: readonly CallEvent[]): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { ev } of live) {
    for (const prefix of ["", "Dest"]) {
      const [name, id] = [header(ev, `${prefix}Channel`), header(ev, `${prefix}Uniqueid`)];
      if (name !== undefined && id !== undefined) ids.set(name, id);
    }
  }
  for (const { channel, id } of rows) if (!ids.has(channel)) ids.set(channel, id);
  return ids;
}

function tellRow(making: Making, row: CdrRow): void {
  begin(making, row, row.channel);
  if (row.answer !== null) up(making, row, row.channel, row.answer);
  if (row.application === CONFERENCE) return tellConference(making, row);
  const over = beginRun(making, row);
  if (!making.heard) tellServices(making, row);
  if (row.other !== null) tellOther(making, row, row.other);
  if (over !== null) {
    const status = { ...channel(making, row, row.channel), ...dialStatus(row) };
    tell(making, row, over, status, factNear(making, `end Dial ${row.id}`, over));
  }
  end(making, row, row.channel);
}

function tellServices(making: Making, row: CdrRow): void {
  if (row.application === "VoiceMail") tell(making, row, row.answer ?? row.start, applied(making, row));
  if (row.application !== "Queue") return;
  tell(making, row, row.start, queued(making, row, "QueueCallerJoin"));
  tell(making, row, row.end, queued(making, row, "QueueCallerLeave"));
}

/** A conference makes nobody ring; that somebody else was in it shows when the row names one. */
function tellConference(making: Making, row: CdrRow): void {
  const [name = ""] = row.data.split(",");
  const BridgeNumChannels = row.other === null ? "2" : "3";
  const joined = { ...channel(making, row, row.channel), Conference: name, BridgeNumChannels };
  tell(making, row, row.answer ?? row.start, { Event: "ConfbridgeJoin", ...joined });
  tell(making, row, row.end, { Event: "ConfbridgeLeave", ...joined });
  end(making, row, row.channel);
}

/** The channel at the other end: rung unless it was there already, connected if it was answered. */
function tellOther(making: Making, row: CdrRow, other: string): void {
  const known = making.begun.has(other);
  const id = idOf(making, row, other);
  begin(making, row, other);
  if (!known && !making.placed.has(id)) {
    tell(making, row, dialledAt(making, row), rings(making, row, other), `rung ${id}`);
  }
  const connectedAt = connectedFrom(making, row, other);
  const answered = connectedAt !== null;
  const at = connectedAt ?? row.end;
  const status =
    row.disposition === "ANSWERED" && !answered ? "NOANSWER" : (STATUSES.get(row.disposition) ?? "NOANSWER");
  if (!known) {
    tell(making, row, at, { Event: "DialEnd", ...dest(making, row, other), DialStatus: status }, `rung out ${id}`);
  }
  const connected = answered && (row.coarse || row.end - at > CONNECTED_MS_MIN);
  if (answered && making.placed.has(id)) tellPickup(making, row, other);
  if (connected) connect(making, row, other, at);
  end(making, row, other);
}

/** Who had called in by itself now has the call that a phone rang for until then. */
function tellPickup(making: Making, row: CdrRow, other: string): void {
  const before = making.rows.findLast(
    (one) => one.channel === row.channel && one.other !== null && one.other !== other && one.start < row.start,
  );
  if (before === undefined || before.other === null || !onlyRang(before)) return;
  const [id, target] = [idOf(making, row, other), idOf(making, before, before.other)];
  const taken = { TargetUniqueid: target, TargetChannel: before.other };
  tell(making, row, row.start, { Event: "Pickup", Uniqueid: id, Channel: other, ...taken }, `pickup ${target}`);
}

function onlyRang({ answer, end, coarse }: CdrRow): boolean {
  return answer === null || end - answer <= (coarse ? COARSE_MS : CONNECTED_MS_MIN);
}

/**
 * When the two were connected: when the row says that its channel was answered, which need not have been by the other: a queue
 * does so itself. Where somebody listened and heard nothing of it, it was later. Null: they were not.
 */
function connectedFrom(making: Making, row: CdrRow, other: string): number | null {
  if (row.disposition !== "ANSWERED" || row.answer === null || wasPickedUp(making, other)) return null;
  const at = row.answer;
  const stay = making.meetings.stayOf(row, other, at);
  if (stay?.entered === true) return Math.max(at, stay.from);
  const unheard = making.listening.unheardFrom(at);
  if (stay !== undefined) return Math.min(unheard, stay.from);
  return unheard < row.end ? unheard : null;
}

/** Its own row says that it only rang: what it rang for was answered by another phone. */
function wasPickedUp({ rows }: Making, name: string): boolean {
  return rows.some((row) => row.channel === name && row.answer === null && row.application.startsWith("App"));
}

function connect(making: Making, row: CdrRow, other: string, at: number): void {
  const BridgeUniqueid = making.meetings.bridgeOf(row, at);
  up(making, row, other, at);
  for (const name of [other, row.channel]) {
    const stay = making.meetings.stayOf(row, name, at);
    const isHeard = stay !== undefined && (stay.entered || making.listening.at(at));
    if (!isHeard) tell(making, row, at, { Event: "BridgeEnter", ...channel(making, row, name), BridgeUniqueid });
    if (making.meetings.wasEndHeard(row)) continue;
    const here = channel(making, row, name);
    if (stay === undefined || stay.to === null)
      tell(making, row, row.end, { Event: "BridgeLeave", ...here, BridgeUniqueid });
    const back = goesOn(making, row, name);
    const next = back === undefined ? null : making.meetings.bridgeOf(back, back.answer ?? back.start);
    if (next === null || making.meetings.wentTo(name, next, row.end)) continue;
    tell(making, row, row.end, { Event: "BridgeEnter", ...here, BridgeUniqueid: next });
  }
}

/** A consultation is over and the channel is with whom another row says it was connected all along. */
function goesOn({ rows }: Making, row: CdrRow, name: string): CdrRow | undefined {
  return rows.find(
    (one) =>
      one !== row &&
      isAtEnd(one, name) &&
      one.other !== null &&
      one.disposition === "ANSWERED" &&
      (one.answer ?? Infinity) <= row.end &&
      one.end > row.end + CONNECTED_MS_MIN,
  );
}

/** A channel appears with the first row that names it. */
function begin(making: Making, row: CdrRow, name: string): void {
  if (making.begun.has(name)) return;
  making.begun.add(name);
  const id = idOf(making, row, name);
  const originated = name === row.channel && row.application === ORIGINATED;
  const calls =
    !originated && name === row.channel && row.id === row.linkedid && parseChannelName(name).kind === "real";
  const made = {
    Event: "Newchannel",
    ...channel(making, row, name),
    ...(name === row.channel ? caller(making, row) : {}),
    ...(calls ? { ChannelState: "4" } : {}),
  };
  tell(making, row, madeAt(making, row, name), made, `made ${id}`);
  if (originated) tell(making, row, row.start, { Event: "DialBegin", ...dest(making, row, name) }, `rung ${id}`);
}

/** With the row, or when it was dialled; but where it was heard before its first row began, that row is not its first. */
function madeAt(making: Making, row: CdrRow, name: string): number {
  const at = name === row.channel ? row.start : dialledAt(making, row);
  const second = secondOf(idOf(making, row, name));
  if (at !== row.start || !making.heard || second === null) return at;
  const earlier = at - second;
  return earlier >= BEGUN_EARLIER_MS_MIN && earlier <= BEGUN_EARLIER_MS_MAX ? second : at;
}

/**
 * Who called and whom, by the first row that says so: later ones tell what a transfer or the end made of it. A short number
 * is where the dialplan led the call, and need not be what was dialled.
 */
function caller(making: Making, row: CdrRow): Record<string, string> {
  const { ev } = row.event;
  const own = making.rows.filter(({ channel: name }) => name === row.channel);
  const dialled = own.map(({ event }) => header(event.ev, "Destination") ?? "").find(isNumber);
  const [, name, number] = /^\s*"?(.*?)"?\s*<([^>]*)>\s*$/.exec(header(ev, "CallerID") ?? "") ?? [];
  return {
    CallerIDNum: header(ev, "Source") ?? number ?? "",
    CallerIDName: (name ?? "").replaceAll('""', '"'),
    Exten: isExternalNumber(dialled) ? dialled : "",
  };
}

function up(making: Making, row: CdrRow, name: string, at: number): void {
  const id = idOf(making, row, name);
  tell(making, row, at, { Event: "Newstate", ...channel(making, row, name), ChannelState: "6" }, `up ${id}`);
}

/** The channel is gone with the last row that names it. */
function end(making: Making, row: CdrRow, name: string): void {
  const naming = making.rows.filter((one) => isAtEnd(one, name));
  const last = naming.reduce((a, b) => (b.end > a.end ? b : a), row);
  if (last !== row) return;
  const busy = row.other === null && row.disposition === "BUSY" ? { Cause: CAUSE_BUSY } : {};
  const gone = { Event: "Hangup", ...channel(making, row, name), ...busy };
  tell(making, row, row.end, gone, `gone ${idOf(making, row, name)}`);
}

function queued(making: Making, row: CdrRow, Event: string): AmiEvent {
  return { Event, ...channel(making, row, row.channel), Queue: row.data.split(",")[0] ?? "" };
}
