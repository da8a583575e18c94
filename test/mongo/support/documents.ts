import { Decimal128, Long, ObjectId, type Document } from "bson";
import { pick, seeded } from "./random.ts";

export const ENTERPRISES = [
  { id: "0367", token: "token-0367", timezone: "Europe/Minsk" },
  { id: "0368", token: "token-0368", timezone: "Europe/Moscow" },
  { id: "0369", token: "token-0369", timezone: "Asia/Tashkent" },
] as const;

const BEGIN = Date.UTC(2023, 0, 1);
const EXTENSIONS = ["150", "151", "152", "160", "161"];

/**
 * Documents as an old system leaves them after years: whole calls and calls in pieces, times in every shape, types that
 * disagree, missing tokens, the same UniqueId at two customers, and some that are no calls at all.
 */
export function* oldDocuments(count: number, seed: number): Generator<Document> {
  const random = seeded(seed);
  let made = 0;
  const waiting: Document[] = [];
  while (made < count) {
    const next = waiting.length > 0 && random() < 0.6 ? [waiting.shift() as Document] : callDocuments(made, random);
    const [first, ...rest] = next;
    waiting.push(...rest);
    if (first === undefined) continue;
    yield { _id: objectId(made, random), ...first };
    made++;
  }
}

function objectId(index: number, random: () => number): unknown {
  if (random() < 0.02) return `string-id-${String(index).padStart(9, "0")}`;
  return new ObjectId(Math.floor(BEGIN / 1000 + index * 60).toString(16) + index.toString(16).padStart(16, "0"));
}

function callDocuments(index: number, random: () => number): Document[] {
  const kind = random();
  if (kind < 0.02) return [{ Note: "no call", CreatedBy: index }];
  if (kind < 0.25) return pieces(index, random);
  return [wholeCall(index, random)];
}

function wholeCall(index: number, random: () => number): Document {
  const enterprise = pick(random, ENTERPRISES);
  const start = BEGIN + index * 60_000;
  const seconds = Math.floor(random() * 300);
  const answered = random() < 0.7;
  const shape = Math.floor(random() * 8);
  return {
    UniqueId: uniqueId(index, start, random),
    CallType: pick(random, ["incoming", "outgoing", "internal", "Входящий", 0, "IN", undefined, "inbound"]),
    Phone: pick(random, ["+375291234567", "8029 123", new Long(375291234), 375291234567, undefined]),
    ...(random() < 0.95 ? { Token: enterprise.token } : { EnterpriseId: enterprise.id }),
    Extensions: extensions(random, answered, start),
    StartTime: timeIn(shape, start, enterprise.timezone),
    EndTime: timeIn(shape, start + seconds * 1000, enterprise.timezone),
    CallStatus: answered
      ? pick(random, ["answered", "ANSWERED", "отвечен"])
      : pick(random, ["NO ANSWER", "busy", "FAILED", "?"]),
    ...(random() < 0.3 ? { PhoneInfo: { name: 'Иванов \u0000 \\ \t\n"', tags: ["a", index] } } : {}),
    ...(random() < 0.2 ? { ExtensionInfo: { 150: { name: "Reception", floor: 2 } } } : {}),
    ...(random() < 0.3 ? { Duration: seconds + (random() < 0.1 ? 30 : 0) } : {}),
  };
}

/** Ids repeat between customers, and some were stored as numbers. */
function uniqueId(index: number, start: number, random: () => number): unknown {
  if (random() < 0.03) return `${Math.floor(BEGIN / 1000) + Math.floor(index / 500)}.${index % 7}`;
  const text = `${Math.floor(start / 1000)}.${(index % 9000) + 1001}`;
  return random() < 0.02 ? Number(text) : text;
}

function extensions(random: () => number, answered: boolean, start: number): unknown {
  const chosen = EXTENSIONS.filter(() => random() < 0.4);
  const list = chosen.length === 0 ? ["150"] : chosen;
  switch (Math.floor(random() * 4)) {
    case 0:
      return list.join(",");
    case 1:
      return list.map(Number);
    case 2:
      return list.map((number, place) => ({
        Extension: number,
        Status: answered && place === 0 ? "ANSWERED" : "NO ANSWER",
        RingTime: 5 + place,
        DialStart: new Date(start + 1000),
        Device: `PJSIP/${number}`,
      }));
    default:
      return list;
  }
}

function pieces(index: number, random: () => number): Document[] {
  const enterprise = pick(random, ENTERPRISES);
  const start = BEGIN + index * 60_000;
  const base = {
    UniqueId: `${Math.floor(start / 1000)}.${index + 10_001}`,
    Token: enterprise.token,
    CallType: "incoming",
  };
  const all: Document[] = [
    { ...base, Event: "start", StartTime: new Date(start), Phone: "+375297654321", Trunk: "PJSIP/trunk-a-0000001f" },
    { ...base, Event: "dial", Timestamp: new Date(start + 2000), Extensions: ["150", "151"] },
    { ...base, Event: "bridge", Timestamp: new Date(start + 9000), Extensions: ["151"], CallStatus: "answered" },
    {
      ...base,
      Event: "hangup",
      EndTime: new Date(start + 60_000),
      StartTime: new Date(start),
      CallStatus: "answered",
      Extensions: ["151"],
    },
  ];
  return random() < 0.2 ? all.slice(0, 3) : all;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  const clock = known ?? new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  clocks.set(zone, clock);
  return clock;
}

/** The same moment as a Date, ISO text with or without zone, epoch seconds or milliseconds, Int64, Decimal128, or Russian text. */
export function timeIn(shape: number, ms: number, zone: string): unknown {
  const local = clockOf(zone).format(ms);
  switch (shape) {
    case 0:
      return new Date(ms);
    case 1:
      return new Date(ms).toISOString();
    case 2:
      return local;
    case 3:
      return Math.floor(ms / 1000);
    case 4:
      return ms;
    case 5:
      return Long.fromNumber(ms);
    case 6:
      return Decimal128.fromString(String(Math.floor(ms / 1000)));
    default:
      return local.replace(/^(\d+)-(\d+)-(\d+)/, "$3.$2.$1");
  }
}
