import { type AmiEvent, header, MARKERS } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import { compareEvents } from "../keys.ts";
import type { CallEvent } from "../types.ts";
import { TELLING_APPLICATIONS } from "./applications.ts";
import { linkRows } from "./linkless.ts";
import { eventsOfCdr } from "./cdr.ts";
import type { Told } from "./cdr-making.ts";
import { type CelRow, celRowOf, extraText, secondsOf } from "./row.ts";
import { isCoarse, twinsOf } from "./twins.ts";
import { behindHeard, type Item, weave, type Woven } from "./weave.ts";

type Found<T> = Pick<Woven<T>, "item" | "at" | "twin"> & { row: CelRow };
type Placed<T> = Found<T> & Woven<T>;

const SECOND_MS = 1_000;

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
  const records = isHeard ? null : wovenCdr(cdr, live);
  const told = records === null ? [...rest, ...cdr] : rest;
  return [...weave(live, [...placed, ...(records ?? [])]), ...told.map(asTold)];
}

/** What only the call detail records tell: the rows themselves, each before the events it stands for. Null: nothing new. */
function wovenCdr<T extends Item>(rows: readonly T[], live: readonly T[]): Woven<T>[] | null {
  const [first] = rows;
  if (first === undefined) return null;
  const { told, aheadMs, cutMs } = eventsOfCdr(
    rows.map(({ event }) => event),
    live.map(({ event }) => event),
  );
  const isLife = ({ event }: Told): boolean => event.ev.Event === "Newchannel" || event.ev.Event === "Hangup";
  const isNews = wentBlind(live) || told.some((one) => one.twin === null && isLife(one));
  if (!isNews) return null;
  const started = rows.map((item) => ({
    ...item,
    event: { ...item.event, ev: atStart(item.event.ev), row: item.event.ev },
  }));
  const placed = behindHeard(
    told.map(({ event, twin }) => ({ item: { ...first, event }, at: clockTime(event) + aheadMs, twin })),
    live,
    { isOfAmi: () => true, isSure: () => false, cutMs },
  );
  return [
    ...started.map((item) => ({ item, at: clockTime(item.event) + aheadMs, twin: null, after: -1, before: Infinity })),
    ...placed.filter(({ twin }) => twin === null),
  ];
}

function atStart(ev: AmiEvent): AmiEvent {
  const start = header(ev, "StartTime");
  return start === undefined ? ev : { ...ev, Timestamp: start };
}

/** Asterisk may write what came first behind what came next: their times tell, to the microsecond. */
function compareRows(a: CallEvent, b: CallEvent): number {
  return clockTime(a) - clockTime(b) || secondsOf(a) - secondsOf(b) || compareEvents(a, b);
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
  if (telling.length === 0) return { placed: [], rest };
  const twins = twinsOf(
    telling.map(({ row }) => row),
    live.map(({ event }) => event),
  );
  const { aheadMs, of, unheard } = twins;
  const isCoarser = live.some(({ own }) => own) && isCoarse(telling.map(({ row }) => row));
  // A log without fractions of a second tells of the second's middle, more or less.
  const later = aheadMs + (isCoarser ? SECOND_MS / 2 : 0);
  const items: Found<T>[] = telling.map(({ item, row }) => ({
    item,
    row,
    at: clockTime(item.event) + later,
    twin: of.get(row) ?? null,
  }));
  // Without the right to hear the dialplan nothing told of applications before AMI was cut either.
  const hearsDialplan = live.some(({ event: { ev } }) => ev.Event === "Newexten" || ev.Event === "VarSet");
  const isOfAmi = ({ row }: Found<T>): boolean => LIFE.has(row.name) || ACTS.has(row.name) || hearsDialplan;
  const isSure = ({ row }: Found<T>): boolean => LIFE.has(row.name) && !isCoarser;
  const placed = behindHeard(items, live, { isOfAmi, isSure, cutMs: isCoarser ? SECOND_MS : 0 });
  const blind = wentBlind(live);
  const isNews = ({ item, row, twin }: Placed<T>): boolean => {
    const counts = blind || LIFE.has(row.name) || ACTS.has(row.name);
    return item.own && ((counts && twin === null) || (blind && unheard.has(row.id)));
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

function asTold<T extends Item>(item: T): T {
  return { ...item, event: { ...item.event, told: true } };
}
