import { describe, expect, it } from "vitest";
import { readSeconds, readTime, timeOfMongoId, timeOfUniqueId } from "./time.ts";

const MOMENT = Date.UTC(2025, 5, 4, 10, 50, 47);

describe("times in the shapes people stored", () => {
  it.each([
    ["a Date", { $date: "2025-06-04T10:50:47.000Z" }],
    ["a Date beyond ISO is no time of a call, so a wrapped number within it", { $numberLong: "1749034247000" }],
    ["ISO text in UTC", "2025-06-04T10:50:47Z"],
    ["ISO text with a zone", "2025-06-04T13:50:47+03:00"],
    ["a zone without colon", "2025-06-04 13:50:47.000 +0300"],
    ["a zone of hours only", "2025-06-04T13:50:47+03"],
    ["text without zone, read in the enterprise's", "2025-06-04 13:50:47"],
    ["a comma before the fraction", "2025-06-04 13:50:47,000"],
    ["compact ISO", "20250604T135047"],
    ["day first", "04.06.2025 13:50:47"],
    ["slashes", "2025/06/04 13:50:47"],
    ["epoch seconds", 1749034247],
    ["epoch seconds as text", "1749034247"],
    ["epoch seconds with a fraction", "1749034247.000"],
    ["epoch milliseconds", 1749034247000],
    ["epoch microseconds", 1749034247000000],
    ["Decimal128 seconds", { $numberDecimal: "1749034247.000" }],
    ["a BSON Timestamp", { $timestamp: { t: 1749034247, i: 1 } }],
  ])("%s", (_shape, value) => {
    expect(readTime(value, "Europe/Minsk")).toBe(MOMENT);
  });

  it.each([
    ["никогда"],
    [""],
    ["2025-02-31 10:00:00"],
    ["2025-13-01"],
    [0],
    [-1],
    [{ $oid: "x" }],
    [null],
    [true],
    ["0000-00-00 00:00:00"],
  ])("%j is no time", (value) => {
    expect(readTime(value, "UTC")).toBeUndefined();
  });

  it("keeps milliseconds", () => {
    expect(readTime("2025-06-04T10:50:47.123Z", "UTC")).toBe(MOMENT + 123);
    expect(readTime(1749034247.123, "UTC")).toBe(MOMENT + 123);
  });

  it("takes the first coming of an hour that comes twice, and the offset from before a skipped one", () => {
    expect(readTime("2024-10-27 02:30:00", "Europe/Berlin")).toBe(Date.UTC(2024, 9, 27, 0, 30));
    expect(readTime("2024-03-31 02:30:00", "Europe/Berlin")).toBe(Date.UTC(2024, 2, 31, 1, 30));
    expect(readTime("2024-10-27 03:30:00", "Europe/Berlin")).toBe(Date.UTC(2024, 9, 27, 2, 30));
    expect(readTime("2024-03-31 03:30:00", "Europe/Berlin")).toBe(Date.UTC(2024, 2, 31, 1, 30));
  });

  it("follows a zone through its changes of law", () => {
    expect(readTime("2011-01-15 12:00:00", "Europe/Moscow")).toBe(Date.UTC(2011, 0, 15, 9));
    expect(readTime("2012-01-15 12:00:00", "Europe/Moscow")).toBe(Date.UTC(2012, 0, 15, 8));
    expect(readTime("2015-01-15 12:00:00", "Europe/Moscow")).toBe(Date.UTC(2015, 0, 15, 9));
  });
});

describe("lengths of time", () => {
  it.each([
    [61, 61],
    ["61", 61],
    ["61.4", 61],
    ["1:01", 61],
    ["0:01:01", 61],
    [{ $numberLong: "61" }, 61],
    [-1, undefined],
    ["long", undefined],
    [null, undefined],
  ])("%j is %j seconds", (value, seconds) => {
    expect(readSeconds(value)).toBe(seconds);
  });
});

describe("times inside of ids", () => {
  it("reads the epoch part of an Asterisk id, with or without system name", () => {
    expect(timeOfUniqueId("1749034247.6528")).toBe(MOMENT);
    expect(timeOfUniqueId("pbx-1-1749034247.6528")).toBe(MOMENT);
    expect(timeOfUniqueId("abc")).toBeUndefined();
  });

  it("reads when an ObjectId was generated", () => {
    expect(timeOfMongoId({ $oid: "68402507aaaaaaaaaaaaaaaa" })).toBe(0x68402507 * 1000);
    expect(timeOfMongoId("68402507aaaaaaaaaaaaaaaa")).toBeUndefined();
  });
});
