import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import { parseChannelName } from "../names.ts";
import type { CallEvent } from "../types.ts";
import { type CelRow, conferenceOf, extraText, ORIGINATED } from "./row.ts";

/** AMI's word for an act and the row of it are no further apart than this by one clock, ms. */
export const SAME_ACT_MS = 300;
/** What a log without fractions of a second adds to that. */
const SECOND_MS = 1_000;
/** What a dialplan or a caller may do several times within a second. */
const QUICKLY_REPEATED: ReadonlySet<string> = new Set(["APP_START", "APP_END", "DTMF", "ANSWER"]);

/** Asterisk going down holds its events back for so long, ms; what is later was told by another clock. */
export const LATE_MS_MAX = 3_000;
/** A clock so little behind is the same, ms. */
const CLOCK_BEHIND_MS_MAX = 1_000;

interface Seen {
  index: number;
  at: number;
}

/** Facts that AMI events tell, by name: `Hangup <id>`. */
const NAMES: ReadonlyMap<string, (ev: AmiEvent) => string[]> = new Map<string, (ev: AmiEvent) => string[]>([
  ["Newchannel", (ev) => [`made ${id(ev)}`]],
  ["DialBegin", (ev) => [`made ${id(ev, "Dest")}`, `rung ${id(ev, "Dest")}`]],
  ["Newstate", (ev) => (ev["ChannelState"] === "6" ? [`up ${id(ev)}`] : [])],
  [
    "DialEnd",
    (ev) => [`rung out ${id(ev, "Dest")}`, ...(ev["DialStatus"] === "ANSWER" ? [`answered ${id(ev, "Dest")}`] : [])],
  ],
  ["HangupRequest", (ev) => [`asked ${id(ev)}`]],
  ["Hangup", (ev) => [`gone ${id(ev)}`]],
  ["BridgeEnter", (ev) => [`enter ${id(ev)} ${header(ev, "BridgeUniqueid") ?? ""}`, `enter ${id(ev)}`]],
  ["BridgeLeave", (ev) => [`leave ${id(ev)} ${header(ev, "BridgeUniqueid") ?? ""}`, `leave ${id(ev)}`]],
  ["ConfbridgeJoin", (ev) => [`join conference ${id(ev)}`]],
  ["ConfbridgeLeave", (ev) => [`leave conference ${id(ev)}`]],
  ["Newexten", (ev) => [`start ${header(ev, "Application") ?? ""} ${id(ev)} ${header(ev, "AppData") ?? ""}`]],
  ["QueueCallerJoin", (ev) => [`join ${id(ev)}`]],
  ["QueueCallerLeave", (ev) => [`end Queue ${id(ev)}`]],
  ["QueueCallerAbandon", (ev) => [`end Queue ${id(ev)}`]],
  [
    "VarSet",
    (ev) => (ev["Variable"] === "DIALSTATUS" && header(ev, "Value") !== undefined ? [`end Dial ${id(ev)}`] : []),
  ],
  ["Pickup", (ev) => [`pickup ${id(ev, "Target")}`]],
  ["BlindTransfer", (ev) => [`blind ${id(ev, "Transferer")}`]],
  ["AttendedTransfer", (ev) => [`attended ${id(ev, "OrigTransferer")}`]],
  ["ParkedCall", (ev) => [`park ${id(ev, "Parkee")}`]],
  ["UnParkedCall", (ev) => [`unpark ${id(ev, "Parkee")}`]],
  ["ParkedCallTimeOut", (ev) => [`unpark ${id(ev, "Parkee")}`]],
  ["ParkedCallGiveUp", (ev) => [`unpark ${id(ev, "Parkee")}`]],
  ["DTMFEnd", (ev) => [`digit ${id(ev)} ${header(ev, "Digit") ?? ""}`]],
]);

/** What the rows tell, in the same names. */
const ROWS: ReadonlyMap<string, (row: CelRow) => string> = new Map<string, (row: CelRow) => string>([
  ["CHAN_START", (row) => `made ${row.id}`],
  ["ANSWER", (row) => `up ${row.id}`],
  ["HANGUP", (row) => `gone ${row.id}`],
  ["CHAN_END", (row) => `gone ${row.id}`],
  ["BRIDGE_ENTER", (row) => (conferenceOf(row) === null ? inBridge("enter", row) : `join conference ${row.id}`)],
  ["BRIDGE_EXIT", (row) => (conferenceOf(row) === null ? inBridge("leave", row) : `leave conference ${row.id}`)],
  [
    "APP_START",
    (row) => (row.application === "Queue" ? `join ${row.id}` : `start ${row.application ?? ""} ${row.id} ${row.data}`),
  ],
  ["APP_END", (row) => `end ${row.application ?? ""} ${row.id}`],
  ["PICKUP", (row) => `pickup ${row.id}`],
  ["BLINDTRANSFER", (row) => `blind ${row.id}`],
  ["ATTENDEDTRANSFER", (row) => `attended ${row.id}`],
  ["PARK_START", (row) => `park ${row.id}`],
  ["PARK_END", (row) => `unpark ${row.id}`],
  ["DTMF", (row) => `digit ${row.id} ${extraText(row, "digit") ?? ""}`],
]);

/** A channel's life has each of these once, whatever two clocks say about when. */
const ONCE: ReadonlySet<string> = new Set(["CHAN_START", "ANSWER", "HANGUP", "CHAN_END"]);

function id(ev: AmiEvent, prefix = ""): string {
  return header(ev, `${prefix}Uniqueid`) ?? "";
}

function inBridge(act: string, row: CelRow): string {
  const bridge = extraText(row, "bridge_id");
  return bridge === null ? `${act} ${row.id}` : `${act} ${row.id} ${bridge}`;
}

export interface Twins {
  /** By row: the place of the live event that tells the same; absent when none does. */
  of: Map<CelRow, number>;
  /** By how much the clock of the live events is ahead of the rows', ms; 0 when it is the same. */
  aheadMs: number;
  /** Channels that were rung, or asked to hang up, when nobody listened, though all else of them was seen. */
  unheard: Set<string>;
}

/** Each event stands for one row only; of acts that may happen again, the two nearest in time are one. */
export function twinsOf(rows: readonly CelRow[], live: readonly CallEvent[]): Twins {
  const seen = seenIn(live);
  const of = new Map<CelRow, number>();
  const apart: number[] = [];
  const acts = new Map<string, CelRow[]>();
  for (const row of rows) {
    const name = ROWS.get(row.name)?.(row);
    if (name === undefined) continue;
    const once = ONCE.has(row.name) ? seen.get(name)?.at(-1) : undefined;
    if (once !== undefined) {
      of.set(row, once.index);
      apart.push(once.at - clockTime(row.event));
    } else push(acts, row.name === "ANSWER" ? `answered ${row.id}` : name, row);
  }
  const aheadMs = clockAhead(apart);
  const slackMs = isCoarse(rows) ? SECOND_MS : 0;
  for (const [name, same] of acts) pair(same, seen.get(name) ?? [], { aheadMs, slackMs }, of);
  const rung = rows.filter((row) => !seen.has(`rung ${row.id}`) && wasRung(row, seen));
  const asked = rows.filter((row) => !seen.has(`asked ${row.id}`) && extraText(row, "hangupsource") === row.channel);
  return { of, aheadMs, unheard: new Set([...rung, ...asked].map(({ id }) => id)) };
}

/** Made for another's call, and neither a far half of a Local pair nor Asterisk's own; or heard to have been rung. */
function wasRung(row: CelRow, seen: ReadonlyMap<string, unknown>): boolean {
  if (seen.has(`rung out ${row.id}`) || row.application === ORIGINATED) return true;
  if (row.name !== "CHAN_START" || row.linkedid === null || row.linkedid === row.id) return false;
  const { kind, half } = parseChannelName(row.channel);
  return kind !== "helper" && half !== 2;
}

/** Events come late, never early: the least delay is the difference of the clocks. */
export function clockAhead(apart: readonly number[]): number {
  if (apart.length === 0) return 0;
  const least = apart.reduce((a, b) => Math.min(a, b));
  return least > LATE_MS_MAX || least < -CLOCK_BEHIND_MS_MAX ? least : 0;
}

/** The names of all that was seen live, `made <id>`, `gone <id>`, `enter <id>` ..., each with where in the stream it was last. */
export function factsIn(live: readonly CallEvent[]): Map<string, number> {
  return new Map([...seenIn(live)].map(([name, seen]) => [name, seen.at(-1)?.index ?? -1]));
}

function seenIn(live: readonly CallEvent[]): Map<string, Seen[]> {
  const seen = new Map<string, Seen[]>();
  for (const [index, event] of live.entries()) {
    for (const name of NAMES.get(event.ev.Event)?.(event.ev) ?? []) push(seen, name, { index, at: clockTime(event) });
  }
  return seen;
}

/** True for rows whose times have no fractions of a second. */
export function isCoarse(rows: readonly CelRow[]): boolean {
  return rows.every(({ event }) => clockTime(event) % SECOND_MS === 0);
}

interface Clocks {
  aheadMs: number;
  slackMs: number;
}

function pair(
  rows: readonly CelRow[],
  seen: readonly Seen[],
  { aheadMs, slackMs }: Clocks,
  twins: Map<CelRow, number>,
): void {
  const near = rows.flatMap((row) => {
    const at = clockTime(row.event) + aheadMs;
    const apart = seen.map(({ index, at: then }) => ({ row, index, apart: Math.abs(then - at) }));
    const most = slackMs + (QUICKLY_REPEATED.has(row.name) ? SAME_ACT_MS : LATE_MS_MAX);
    return apart.filter((one) => one.apart <= most);
  });
  const used = new Set<number>();
  for (const { row, index } of near.toSorted((a, b) => a.apart - b.apart)) {
    if (used.has(index) || twins.has(row)) continue;
    used.add(index);
    twins.set(row, index);
  }
}

function push<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}
