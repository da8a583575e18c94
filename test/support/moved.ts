import type { AmiEvent } from "../../shared/ami-event.ts";
import type { CallEvent } from "../../server/assemble/index.ts";
import { capture } from "./captures.ts";
import { cdrRowsOf, celRowsOf } from "./recovered.ts";
import { eventsOf } from "./truth-events.ts";
import { type Truth, truthOf } from "./truth.ts";

/** What a recording holds: what an agent heard, what Asterisk wrote, what the phones saw. */
export interface Recording {
  events: CallEvent[];
  cel: CallEvent[];
  cdr: CallEvent[];
  truth: Truth;
}

const SECONDS = new Set(["Timestamp", "StartTime", "AnswerTime", "EndTime"]);
/** Greater numbers are times, epoch seconds. */
const TIMES_MIN = 1_000_000_000;

/** A recording as if it had been made `ms` later: another part of it lies in another second. Ids are those of that second. */
export function moved(name: string, ms: number): Recording {
  const [cel, cdr] = [celRowsOf(name), cdrRowsOf(name)];
  const ids = idsLater(cel, ms);
  const renamed = (text: string): string => text.replaceAll(/\d{10}\.\d+/g, (id) => ids.get(id) ?? id);
  const later = (events: CallEvent[]): CallEvent[] =>
    events.map((event) => ({ ...event, at: event.at + ms, ev: headersLater(event.ev, ms, renamed) }));
  return {
    events: later(eventsOf(capture(name), "recommended")),
    cel: later(cel),
    cdr: later(cdr),
    truth: valueLater(truthOf(name), ms, renamed) as Truth,
  };
}

/** A channel's id has the second in which it was made. */
function idsLater(cel: readonly CallEvent[], ms: number): Map<string, string> {
  const made = cel.filter(({ ev }) => ev["EventName"] === "CHAN_START");
  return new Map(
    made.map(({ ev }) => {
      const id = String(ev["UniqueID"]);
      return [id, `${Math.floor(Number(ev["Timestamp"]) + ms / 1_000)}.${id.split(".")[1] ?? ""}`];
    }),
  );
}

function headersLater(ev: AmiEvent, ms: number, renamed: (text: string) => string): AmiEvent {
  const moved: AmiEvent = { Event: ev.Event };
  for (const [name, value] of Object.entries(ev)) {
    if (SECONDS.has(name) && Number(value) > 0) moved[name] = (Number(value) + ms / 1_000).toFixed(6);
    else if (name === "Since") moved[name] = String(Number(value) + ms);
    else moved[name] = Array.isArray(value) ? value.map(renamed) : renamed(String(value));
  }
  return moved;
}

function valueLater(value: unknown, ms: number, renamed: (text: string) => string): unknown {
  if (typeof value === "number") return value > TIMES_MIN ? value + ms / 1_000 : value;
  if (typeof value === "string") return renamed(value);
  if (Array.isArray(value)) return value.map((one) => valueLater(one, ms, renamed));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, valueLater(one, ms, renamed)]));
}
