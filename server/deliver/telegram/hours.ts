/** A stretch of some days of the week. Minutes since midnight; `to` at or below `from`: it ends the next day. */
export interface Span {
  /** 0 is Monday. */
  days: ReadonlySet<number>;
  from: number;
  to: number;
}

export type WorkingHours = readonly Span[];

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const SPAN = /^(?:(?<days>[a-z,-]+)\s+)?(?<from>[\d:]+)-(?<to>[\d:]+)$/;
const MINUTES_OF_DAY = 1440;

/** `mon-fri 09:00-18:00; sat 10:00-14:00`; no days: every day. Undefined when it is not like that. */
export function parseHours(text: string): WorkingHours | undefined {
  const spans = text.split(";").map((part) => readSpan(part.trim().toLowerCase()));
  return spans.every((span) => span !== undefined) ? spans : undefined;
}

/** Whether the moment (epoch ms) is within these hours by the clock of that time zone. */
export function isWithin(hours: WorkingHours, at: number, timezone: string): boolean {
  const { day, minute } = wallClock(at, timezone);
  const yesterday = (day + 6) % 7;
  return hours.some(({ days, from, to }) =>
    from < to
      ? days.has(day) && minute >= from && minute < to
      : (days.has(day) && minute >= from) || (days.has(yesterday) && minute < to),
  );
}

function readSpan(text: string): Span | undefined {
  const { days, from, to } = SPAN.exec(text)?.groups ?? {};
  const read = { days: readDays(days ?? "mon-sun"), from: readMinute(from), to: readMinute(to) };
  if (read.days === undefined || read.from === undefined || read.to === undefined) return undefined;
  return { days: read.days, from: read.from, to: read.to };
}

function readDays(text: string): Set<number> | undefined {
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [from = -1, to = from, ...more] = part.split("-").map((name) => DAYS.indexOf(name));
    if (from < 0 || to < 0 || more.length > 0) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return days;
}

function readMinute(text = ""): number | undefined {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  const [hour, minute] = [Number(match?.[1]), Number(match?.[2])];
  return minute < 60 && hour * 60 + minute <= MINUTES_OF_DAY ? hour * 60 + minute : undefined;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function wallClock(at: number, timezone: string): { day: number; minute: number } {
  let clock = clocks.get(timezone);
  if (clock === undefined) {
    const fields = { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    clock = new Intl.DateTimeFormat("en", { ...fields, timeZone: timezone });
    clocks.set(timezone, clock);
  }
  const parts = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = DAYS.indexOf((parts["weekday"] ?? "").toLowerCase());
  return { day, minute: Number(parts["hour"]) * 60 + Number(parts["minute"]) };
}
