import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import { secondOf } from "../keys.ts";
import { internalNumberIn, isExternalNumber, isNumber, parseChannelName, parseDialArguments } from "../names.ts";
import type { CallEvent } from "../types.ts";
import { CONFERENCE, type CdrRow, cdrRowOf } from "./cdr-row.ts";
import { factsIn } from "./twins.ts";

/** How Dial ended, in the words of a row. */
const STATUSES: ReadonlyMap<string, string> = new Map([
  ["ANSWERED", "ANSWER"],
  ["NO ANSWER", "NOANSWER"],
  ["BUSY", "BUSY"],
  ["CONGESTION", "CONGESTION"],
  ["FAILED", "CHANUNAVAIL"],
]);

/** Connected for no longer than this nobody was: the dialplan had put the phone down already, ms. */
const CONNECTED_MS_MIN = 100;
const CAUSE_BUSY = "17";

/** A row is of the same run of Dial as the one before when it begins no later than that ended, ms of slack. */
const SAME_RUN_MS = 20;

/** A record begins with its channel, whose id has that second, unless an earlier one of it was not read; ms of slack. */
const BEGUN_EARLIER_MS_MIN = 1_500;
const BEGUN_EARLIER_MS_MAX = 24 * 3_600_000;

/** Rows of one call on their way into events: what is known of channels, and what was made of them so far. */
interface Making {
  rows: readonly CdrRow[];
  /** By channel name: its id, where one is known. */
  ids: Map<string, string>;
  /** What was seen live: not told again. */
  seen: ReadonlySet<string>;
  /** Ids of channels that were heard to call in by themselves: nobody rang for them. */
  placed: ReadonlySet<string>;
  /** Something was: then what the dialplan did is better left to that. */
  heard: boolean;
  begun: Set<string>;
  runs: Map<string, { data: string; end: number }>;
  made: CallEvent[];
}

/**
 * The AMI events that CDR rows of one call stand for, as far as they can, in the order of their times; without what was seen
 * live. A row knows who was connected with whom and when, not who was busy, who hung up, or what happened in between.
 */
export function eventsOfCdr(rows: readonly CallEvent[], live: readonly CallEvent[]): CallEvent[] {
  const own = rows.flatMap((event) => cdrRowOf(event) ?? []);
  const sorted = own.toSorted((a, b) => a.start - b.start || a.sequence - b.sequence || a.end - b.end);
  const making: Making = {
    rows: sorted,
    ids: idsOf(sorted, live),
    seen: factsIn(live),
    placed: new Set(live.flatMap(({ ev }) => placedBy(ev) ?? [])),
    heard: live.some(({ ev }) => ev["Uniqueid"] !== undefined && ev["Channel"] !== undefined),
    begun: new Set(),
    runs: new Map(),
    made: [],
  };
  for (const row of sorted) tellRow(making, row);
  return making.made.toSorted((a, b) => Number(a.ev["Timestamp"]) - Number(b.ev["Timestamp"]));
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
  const run = !making.heard && beginRun(making, row);
  if (!making.heard) tellServices(making, row);
  if (row.other !== null) tellOther(making, row, row.other);
  if (run) tell(making, row, row.end, { ...channel(making, row, row.channel), ...dialStatus(row) });
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
  const wasHeard = making.seen.has(`rung ${id}`) || making.placed.has(id);
  if (!known && !wasHeard) tell(making, row, dialledAt(making, row), rings(making, row, other));
  const answered = row.disposition === "ANSWERED" && row.answer !== null && !wasPickedUp(making, other);
  const at = answered ? (row.answer ?? row.start) : row.end;
  const status =
    row.disposition === "ANSWERED" && !answered ? "NOANSWER" : (STATUSES.get(row.disposition) ?? "NOANSWER");
  if (!known && !making.seen.has(`rung out ${id}`)) {
    tell(making, row, at, { Event: "DialEnd", ...dest(making, row, other), DialStatus: status });
  }
  const connected = answered && (row.coarse || row.end - at > CONNECTED_MS_MIN);
  if (answered && making.placed.has(id)) tellPickup(making, row, other);
  if (connected && !making.seen.has(`enter ${id}`)) connect(making, row, other, at);
  end(making, row, other);
}

/** Who had called in by itself now has the call that a phone rang for until then. */
function tellPickup(making: Making, row: CdrRow, other: string): void {
  const before = making.rows.findLast(
    (one) => one.channel === row.channel && one.other !== null && one.other !== other && one.start < row.start,
  );
  if (before === undefined || before.other === null || !onlyRang(before)) return;
  const [id, target] = [idOf(making, row, other), idOf(making, before, before.other)];
  if (making.seen.has(`pickup ${target}`)) return;
  const taken = { TargetUniqueid: target, TargetChannel: before.other };
  tell(making, row, row.start, { Event: "Pickup", Uniqueid: id, Channel: other, ...taken });
}

function onlyRang({ answer, end, coarse }: CdrRow): boolean {
  return answer === null || end - answer <= (coarse ? 1_000 : CONNECTED_MS_MIN);
}

/** Its own row says that it only rang: what it rang for was answered by another phone. */
function wasPickedUp({ rows }: Making, name: string): boolean {
  return rows.some((row) => row.channel === name && row.answer === null && row.application.startsWith("App"));
}

function connect(making: Making, row: CdrRow, other: string, at: number): void {
  const BridgeUniqueid = bridgeOf(row);
  up(making, row, other, at);
  for (const name of [other, row.channel]) {
    tell(making, row, at, { Event: "BridgeEnter", ...channel(making, row, name), BridgeUniqueid });
    tell(making, row, row.end, { Event: "BridgeLeave", ...channel(making, row, name), BridgeUniqueid });
    const back = goesOn(making, row, name);
    if (back === undefined) continue;
    const other = { ...channel(making, row, name), BridgeUniqueid: bridgeOf(back) };
    tell(making, row, row.end, { Event: "BridgeEnter", ...other });
  }
}

function bridgeOf({ id, answer, start }: CdrRow): string {
  return `${id} ${answer ?? start}`;
}

/** A consultation is over and the channel is with whom another row says it was connected all along. */
function goesOn({ rows }: Making, row: CdrRow, name: string): CdrRow | undefined {
  return rows.find(
    (one) =>
      one !== row &&
      (one.channel === name || one.other === name) &&
      one.other !== null &&
      one.disposition === "ANSWERED" &&
      (one.answer ?? Infinity) <= row.end &&
      one.end > row.end + CONNECTED_MS_MIN,
  );
}

/** One half of a Local pair dials on when the other was answered. */
function dialledAt({ rows }: Making, row: CdrRow): number {
  const { pair, half } = parseChannelName(row.channel);
  const other = half === 1 ? rows.find(({ channel: name }) => name === `${pair ?? ""};2`) : undefined;
  return other?.answer ?? row.start;
}

/** A channel appears with the first row that names it. */
function begin(making: Making, row: CdrRow, name: string): void {
  if (making.begun.has(name)) return;
  making.begun.add(name);
  const id = idOf(making, row, name);
  if (making.seen.has(`made ${id}`)) return;
  const originated = name === row.channel && row.application === "AppDial2";
  const calls =
    !originated && name === row.channel && row.id === row.linkedid && parseChannelName(name).kind === "real";
  tell(making, row, madeAt(making, row, id), {
    Event: "Newchannel",
    ...channel(making, row, name),
    ...(name === row.channel ? caller(making, row) : {}),
    ...(calls ? { ChannelState: "4" } : {}),
  });
  if (originated) tell(making, row, row.start, { Event: "DialBegin", ...dest(making, row, name) });
}

/** Where the channel was heard before its first row began, that row is not its first. */
function madeAt({ heard }: Making, { start }: CdrRow, id: string): number {
  const second = secondOf(id);
  const earlier = second === null ? 0 : start - second;
  return heard && second !== null && earlier >= BEGUN_EARLIER_MS_MIN && earlier <= BEGUN_EARLIER_MS_MAX
    ? second
    : start;
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
  const isKnown = making.seen.has(`up ${idOf(making, row, name)}`);
  if (!isKnown) tell(making, row, at, { Event: "Newstate", ...channel(making, row, name), ChannelState: "6" });
}

/** The channel is gone with the last row that names it. */
function end(making: Making, row: CdrRow, name: string): void {
  const naming = making.rows.filter((one) => one.channel === name || one.other === name);
  const last = naming.reduce((a, b) => (b.end > a.end ? b : a), row);
  const isKnown = making.seen.has(`gone ${idOf(making, row, name)}`);
  if (last !== row || isKnown) return;
  const busy = row.other === null && row.disposition === "BUSY" ? { Cause: CAUSE_BUSY } : {};
  tell(making, row, row.end, { Event: "Hangup", ...channel(making, row, name), ...busy });
}

/** The run of Dial that the row is of, unless another row told it. Returns whether it begins here. */
function beginRun(making: Making, row: CdrRow): boolean {
  if (row.application !== "Dial" || !isOfRun(making, row)) return false;
  const known = making.runs.get(row.channel);
  if (known !== undefined && known.data === row.data && row.start <= known.end + SAME_RUN_MS) return false;
  making.runs.set(row.channel, { data: row.data, end: row.end });
  const { kind, peer } = parseChannelName(row.channel);
  const meant = kind === "local" && parseDialArguments(row.data).length === 0 ? internalNumberIn(peer) : null;
  const variable = { Event: "VarSet", ...channel(making, row, row.channel), Variable: "EXTTOCALL" };
  if (meant !== null) tell(making, row, row.start, { ...variable, Value: meant });
  tell(making, row, dialledAt(making, row), applied(making, row));
  return true;
}

/** False for what came of a transfer: the row still names a Dial of before. */
function isOfRun({ begun }: Making, { other, data }: CdrRow): boolean {
  if (other === null) return true;
  const { tech, peer } = parseChannelName(other);
  return !begun.has(other) && parseDialArguments(data).some((to) => to.peer === peer && to.tech === tech);
}

function dialStatus({ disposition, other }: CdrRow): AmiEvent {
  const status = STATUSES.get(disposition) ?? "NOANSWER";
  const Value = other === null && status !== "ANSWER" ? "CHANUNAVAIL" : status;
  return { Event: "VarSet", Variable: "DIALSTATUS", Value };
}

function rings(making: Making, row: CdrRow, other: string): AmiEvent {
  const { tech, peer } = parseChannelName(other);
  const [targets = ""] = row.application === "Dial" ? row.data.split(",") : [];
  const asked = targets
    .split("&")
    .find((text) => parseDialArguments(text).some((to) => to.peer === peer && to.tech === tech));
  return {
    Event: "DialBegin",
    ...channel(making, row, row.channel),
    ...dest(making, row, other),
    Exten: header(row.event.ev, "Destination") ?? "",
    DialString: asked?.replace(/^[^/]+\//, "") ?? "",
  };
}

function applied(making: Making, row: CdrRow): AmiEvent {
  return { Event: "Newexten", ...channel(making, row, row.channel), Application: row.application, AppData: row.data };
}

function queued(making: Making, row: CdrRow, Event: string): AmiEvent {
  return { Event, ...channel(making, row, row.channel), Queue: row.data.split(",")[0] ?? "" };
}

function channel(making: Making, row: CdrRow, name: string): { Uniqueid: string; Linkedid: string; Channel: string } {
  return { Uniqueid: idOf(making, row, name), Linkedid: row.linkedid, Channel: name };
}

function dest(making: Making, row: CdrRow, name: string): { DestUniqueid: string; DestChannel: string } {
  return { DestUniqueid: idOf(making, row, name), DestChannel: name };
}

/** A channel that only ever was the other end has no id in any row: its name within the call stands for one. */
function idOf({ ids }: Making, row: CdrRow, name: string): string {
  const known = ids.get(name) ?? `${row.linkedid} ${name}`;
  ids.set(name, known);
  return known;
}

function tell({ made }: Making, row: CdrRow, at: number, ev: AmiEvent): void {
  made.push({ ...row.event, ev: { ...ev, Timestamp: String(at / 1000) }, row: row.event.ev });
}
