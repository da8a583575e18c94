import { describe, expect, it } from "vitest";
import { readRow } from "./row.ts";
import { cdrCsvLayout, layoutOf } from "./columns.ts";
import { readStamp, type LocalStamp } from "./stamp.ts";
import { momentOf, zoneNamed } from "./zone.ts";

const kyiv = zoneNamed("Europe/Kyiv");
const local = (text: string, format: string | null = null) => readStamp(text, format) as LocalStamp;
const moment = (text: string, hints: { notBefore?: number; previous?: number } = {}, format: string | null = null) => {
  const at = momentOf(local(text, format), kyiv, { about: Date.UTC(2026, 9, 25), ...hints });
  return at === null ? null : new Date(at).toISOString();
};

describe("a local time", () => {
  it("is placed in the PBX's zone, in winter and in summer", () => {
    expect(moment("2026-01-15 12:00:00")).toBe("2026-01-15T10:00:00.000Z");
    expect(moment("2026-07-15 12:00:00")).toBe("2026-07-15T09:00:00.000Z");
  });

  it("that the clock showed twice is told apart by the channel's birth and by the row before", () => {
    expect(moment("2026-10-25 03:30:00")).toBe("2026-10-25T00:30:00.000Z");
    expect(moment("2026-10-25 03:30:00", { notBefore: Date.UTC(2026, 9, 25, 1, 20) })).toBe("2026-10-25T01:30:00.000Z");
    expect(moment("2026-10-25 03:10:00", { previous: Date.UTC(2026, 9, 25, 1, 5) })).toBe("2026-10-25T01:10:00.000Z");
  });

  it("that the clock leapt over is an hour later, and one of no calendar is none", () => {
    expect(moment("2026-03-29 03:30:00")).toBe("2026-03-29T01:30:00.000Z");
    expect(moment("2026-02-30 03:30:00")).toBeNull();
  });

  it("without a year takes the one of its channel, also at New Year's Eve", () => {
    const born = Date.UTC(2025, 11, 31, 21, 59, 50);
    expect(moment("Dec 31 23:59:55", { notBefore: born }, "%b %e %H:%M:%S")).toBe("2025-12-31T21:59:55.000Z");
    expect(moment("Jan  1 00:00:05", { notBefore: born }, "%b %e %H:%M:%S")).toBe("2025-12-31T22:00:05.000Z");
  });
});

describe("a stamp", () => {
  it.each([
    ["1795477384.143159", null, { seconds: 1_795_477_384, micros: 143_159 }],
    ["1795477384", null, { seconds: 1_795_477_384, micros: 0 }],
    ["1795477384", "%s", { seconds: 1_795_477_384, micros: 0 }],
  ])("%s is an epoch with all its digits", (text, format, expected) => {
    expect(readStamp(text, format)).toEqual(expected);
  });

  it.each([
    ["2026-11-24T04:05:06.25+0200", null],
    ["24/Nov/2026 04:05:06.250 +0200", "%d/%b/%Y %H:%M:%S.%3q %z"],
    ["24/Nov/2026 04:05:06.250 AM +0200", "%d/%b/%Y %I:%M:%S.%q %p %z"],
    ["11/24/26 04:05:06.25 +02:00", "%D %T.%q %z"],
  ])("%s is read as the format says", (text, format) => {
    expect(readStamp(text, format)).toEqual({
      year: 2026,
      month: 11,
      day: 24,
      hour: 4,
      minute: 5,
      second: 6,
      micros: 250_000,
      offsetMinutes: 120,
    });
  });

  it("that is none is none", () => {
    for (const text of ["", "yesterday", "2026-11-24", "04:05:06"]) expect(readStamp(text, null)).toBeNull();
  });
});

describe("a row", () => {
  const reading = { zone: kyiv, about: Date.UTC(2026, 10, 24) };

  it("of CEL becomes the event cel_manager would send", () => {
    const layout = layoutOf("CEL", [
      "${eventtype}",
      "${CSV_QUOTE(${eventtime})}",
      "'${CALLERID(num)}'",
      "${CHANNEL(uniqueid)}",
      "x",
    ])!;
    expect(readRow(["CHAN_START", "1795477384.143159", "150", "1795477384.286", "y"], { ...reading, layout })).toEqual({
      at: 1_795_477_384_143,
      from: 1_795_477_384_143,
      ev: {
        Event: "CEL",
        EventName: "CHAN_START",
        Timestamp: "1795477384.143159",
        CallerIDnum: "150",
        UniqueID: "1795477384.286",
      },
    });
  });

  it("of cdr_csv is read by the number of its columns, with times in the PBX's zone", () => {
    const base = ["", "100", "150", "ctx", '"A" <100>', "PJSIP/t-1", "PJSIP/150-2", "Dial", "x"];
    const times = ["2026-11-24 10:00:00", "", "2026-11-24 10:00:20", "20", "0", "NO ANSWER", "DOCUMENTATION"];
    const read = (more: string[]) => {
      const values = [...base, ...times, ...more];
      return readRow(values, { ...reading, layout: cdrCsvLayout(values.length)! })?.ev;
    };
    const told = { StartTime: "1795507200.000000", AnswerTime: "", EndTime: "1795507220.000000" };
    expect(read([])).toMatchObject({
      Event: "Cdr",
      CallerID: '"A" <100>',
      Source: "100",
      Timestamp: "1795507220.000000",
      ...told,
    });
    expect(read(["1795507200.7", "note"])).toMatchObject({ UniqueID: "1795507200.7", UserField: "note" });
    expect(read(["1795507200.7", "note", "", "1795507200.6", "3"])).toMatchObject({
      LinkedID: "1795507200.6",
      Sequence: "3",
    });
    expect(read(["", "1795507200.6", "3"])).toMatchObject({ LinkedID: "1795507200.6" });
    expect(cdrCsvLayout(15)).toBeUndefined();
    expect(cdrCsvLayout(22)).toBeUndefined();
  });
});
