import { describe, expect, it } from "vitest";
import { isWithin, parseHours } from "./hours.ts";

// 2026-11-24 is a Tuesday. Kyiv is two hours ahead of UTC in winter, three in summer.
const at = (iso: string) => Date.parse(iso);

describe("working hours", () => {
  it.each<[string, string, string, boolean]>([
    ["mon-fri 09:00-18:00", "2026-11-24T07:00:00Z", "the first minute", true],
    ["mon-fri 09:00-18:00", "2026-11-24T06:59:59Z", "a second before", false],
    ["mon-fri 09:00-18:00", "2026-11-24T15:59:59Z", "the last second", true],
    ["mon-fri 09:00-18:00", "2026-11-24T16:00:00Z", "closed", false],
    ["mon-fri 09:00-18:00", "2026-07-21T06:30:00Z", "half past nine in summer", true],
    ["mon-fri 09:00-18:00", "2026-11-28T10:00:00Z", "Saturday", false],
    ["mon-fri 09:00-18:00; sat 10:00-14:00", "2026-11-28T10:00:00Z", "Saturday by its own hours", true],
    ["09:00-24:00", "2026-11-28T21:59:00Z", "every day to midnight", true],
    ["tue 22:00-06:00", "2026-11-24T20:30:00Z", "the evening of a night shift", true],
    ["tue 22:00-06:00", "2026-11-25T03:30:00Z", "its morning, on Wednesday", true],
    ["tue 22:00-06:00", "2026-11-24T03:30:00Z", "the morning of Tuesday is Monday's night", false],
    ["fri-mon 00:00-24:00", "2026-11-29T12:00:00Z", "over the weekend", true],
    ["fri-mon 00:00-24:00", "2026-11-24T12:00:00Z", "not on Tuesday", false],
    ["mon,wed 09:00-18:00", "2026-11-25T10:00:00Z", "a list of days", true],
  ])("%s at %s: %s", (hours, moment, _, within) => {
    expect(isWithin(parseHours(hours)!, at(moment), "Europe/Kyiv")).toBe(within);
  });

  it.each([
    "",
    "always",
    "mon-fri",
    "9-18",
    "mon-xyz 09:00-18:00",
    "mon 09:00-25:00",
    "mon 09:61-18:00",
    "09:00-18:00;",
  ])("%j is refused", (text) => expect(parseHours(text)).toBeUndefined());
});
