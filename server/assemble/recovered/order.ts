import { type AmiEvent, header, MARKERS } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import { compareEvents } from "../keys.ts";
import type { CallEvent } from "../types.ts";
import { TELLING_APPLICATIONS } from "./applications.ts";
import { linkRows } from "./linkless.ts";
import { eventsOfCdr } from "./cdr.ts";
import { type CelRow, celRowOf, extraText } from "./row.ts";
import { isCoarse, twinsOf } from "./twins.ts";

interface Item {
  event: CallEvent;
  own: boolean;
}

/** Where an item goes: behind its twin, the live item that tells the same, else by its time. */
interface Woven<T> {
  item: T;
  at: number;
  twin: number | null;
}

interface Placed<T> extends Woven<T> {
  row: CelRow;
}

/** A log without fractions of a second tells of the second's middle, more or less. */
const HALF_SECOND_MS = 500;

/** Rows without which nothing was missed: the channel's life and what it was connected to. */
const LIFE: ReadonlySet<string> = new Set(["CHAN_START", "ANSWER", "HANGUP", "CHAN_END"]);
const ACTS: ReadonlySet<string> = new Set([
  "BRIDGE_ENTER",
  "BRIDGE_EXIT",
  "BLINDTRANSFER",
  "ATTENDEDTRANSFER",
  "PICKUP",
  "PARK_START",
  "PARK_END",
]);
/** Told along with these, and by themselves no reason to call a call recovered: what was seen live may not have been told all. */
const ASIDE: ReadonlySet<string> = new Set(["FORWARD", "DTMF"]);

/**
 * A call's items in the order they are to be folded: as given, but rows of Asterisk's own files where they belong by their
 * times, or behind what was seen live of the same. Rows that tell nothing new are marked `told`. Without rows: the same array.
 */
export function inOrder<T extends Item>(items: readonly T[]): readonly T[] {
  if (!items.some(({ event }) => event.origin === "recovered")) return items;
  const live = items.filter(({ event }) => event.origin !== "recovered");
  const rows = items
    .filter(({ event }) => event.origin === "recovered")
    .toSorted((a, b) => compareRows(a.event, b.event));
  const cdr = rows.filter(({ event }) => event.ev.Event === "Cdr");
  const cel = onlyOnce(rows.filter(({ event }) => event.ev.Event !== "Cdr"));
  const linked = linkRows(
    cel,
    live.map(({ event }) => event),
  );
  const { placed, rest } = place(
    linked.filter((item) => item !== null),
    live,
  );
  rest.push(...cel.filter((_, index) => linked[index] === null));
  const isHeard =
    placed.some(({ item }) => item.own) || rest.some(({ event }) => header(event.ev, "LinkedID") !== undefined);
  const records = isHeard ? cdr.map(asTold) : cdrInOrder(cdr, live);
  const [told, news] = [
    records.filter(({ event }) => event.told === true),
    records.filter(({ event }) => event.told !== true),
  ];
  const more = news.map((item) => ({ item, at: clockTime(item.event), twin: null }));
  return [...weave(live, [...placed, ...more]), ...rest.map(asTold), ...told];
}

/** What only the call detail records tell: the rows themselves, each before the events it stands for. */
function cdrInOrder<T extends Item>(rows: readonly T[], live: readonly T[]): T[] {
  const [first] = rows;
  if (first === undefined) return [];
  const heard = live.map(({ event }) => event);
  const made = eventsOfCdr(
    rows.map(({ event }) => event),
    heard,
  );
  const news = wentBlind(live) || made.some(({ ev }) => ev.Event === "Newchannel" || ev.Event === "Hangup");
  if (!news) return rows.map(asTold);
  const started = rows.map((item) => ({
    ...item,
    event: { ...item.event, ev: atStart(item.event.ev), row: item.event.ev },
  }));
  return [...started, ...made.map((event) => ({ ...first, event }))];
}

function atStart(ev: AmiEvent): AmiEvent {
  const start = header(ev, "StartTime");
  return start === undefined ? ev : { ...ev, Timestamp: start };
}

function compareRows(a: CallEvent, b: CallEvent): number {
  return clockTime(a) - clockTime(b) || compareEvents(a, b);
}

/** The same row may stand in several files, or come twice. */
function onlyOnce<T extends Item>(rows: readonly T[]): T[] {
  const seen = new Set<string>();
  return rows.filter(({ event: { ev } }) => {
    const headers = ["Event", "EventName", "UniqueID", "Timestamp", "Application", "AppData", "Extra", "Peer"];
    const name = headers.map((each) => String(ev[each] ?? "")).join("\n");
    if (ev.Event !== "CEL" || !seen.has(name)) return seen.add(name);
    return false;
  });
}

/** Rows that tell something, each with its twin; the rest tells nothing, or nothing that was not seen live. */
function place<T extends Item>(rows: readonly T[], live: readonly T[]): { placed: Placed<T>[]; rest: T[] } {
  const telling: { item: T; row: CelRow }[] = [];
  const rest: T[] = [];
  for (const item of rows) {
    const row = item.event.ev.Event === "CEL" ? celRowOf(item.event) : undefined;
    if (row === undefined || !isTelling(row)) rest.push(item);
    else telling.push({ item, row });
  }
  const twins = twinsOf(
    telling.map(({ row }) => row),
    live.map(({ event }) => event),
  );
  const { aheadMs, of, rungUnheard } = twins;
  const isCoarser = live.some(({ own }) => own) && isCoarse(telling.map(({ row }) => row));
  const later = aheadMs + (isCoarser ? HALF_SECOND_MS : 0);
  const placed = telling.map(({ item, row }) => ({
    item: later === 0 ? item : { ...item, event: { ...item.event, setBackMs: later } },
    row,
    at: clockTime(item.event) + later,
    twin: of.get(row) ?? null,
  }));
  const blind = wentBlind(live);
  const isNews = ({ item, row, twin }: Placed<T>): boolean => {
    const counts = blind || LIFE.has(row.name) || ACTS.has(row.name);
    return item.own && ((counts && twin === null) || (blind && rungUnheard.has(row.id)));
  };
  const news = placed.some(isNews);
  const isNeeded = ({ item, row, twin }: Placed<T>): boolean =>
    item.own ? news && (twin === null || LIFE.has(row.name)) : twin === null;
  const needed = placed.filter(isNeeded);
  const kept = new Set(needed);
  return { placed: needed, rest: [...rest, ...placed.filter((one) => !kept.has(one)).map(({ item }) => item)] };
}

/** A session began while the call ran: something of it was not heard. */
function wentBlind(live: readonly Item[]): boolean {
  const [first, last] = [live.findIndex(({ own }) => own), live.findLastIndex(({ own }) => own)];
  return live.some(({ event }, at) => at > first && at < last && event.ev.Event === MARKERS.captureStarted);
}

function isTelling(row: CelRow): boolean {
  if (row.name === "APP_START" || row.name === "APP_END") return TELLING_APPLICATIONS.has(row.application ?? "");
  if (row.name === "DTMF") return extraText(row, "digit") !== null;
  return LIFE.has(row.name) || ACTS.has(row.name) || ASIDE.has(row.name);
}

/** Puts each row behind its twin, or before the first live item later than itself. */
function weave<T extends Item>(live: readonly T[], placed: readonly Woven<T>[]): T[] {
  const behind = Map.groupBy(
    placed.filter(({ twin }) => twin !== null),
    ({ twin }) => twin,
  );
  const byTime = placed.filter(({ twin }) => twin === null).toSorted((a, b) => a.at - b.at);
  const woven: T[] = [];
  let next = 0;
  let reached = -Infinity;
  for (const [index, item] of live.entries()) {
    reached = Math.max(reached, timeOf(item.event));
    for (let row = byTime[next]; row !== undefined && row.at < reached; row = byTime[++next]) woven.push(row.item);
    woven.push(item);
    for (const row of behind.get(index) ?? []) woven.push(row.item);
  }
  for (const row of byTime.slice(next)) woven.push(row.item);
  return woven;
}

/** Asterisk was gone from its new start on at the latest, whenever the agent learned of it. */
function timeOf(event: CallEvent): number {
  const started = Number(header(event.ev, "AsteriskStarted") ?? "") * 1000;
  return started > 0 && event.ev.Event === MARKERS.asteriskRestarted
    ? Math.min(started, clockTime(event))
    : clockTime(event);
}

function asTold<T extends Item>(item: T): T {
  return { ...item, event: { ...item.event, told: true } };
}
