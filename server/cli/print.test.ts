import { expect, test } from "vitest";
import { cell, duration, moment, table } from "./print.ts";

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [60, "1:00"],
  [185, "3:05"],
  [3723, "1:02:03"],
  [187_200, "2 d 4 h"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test("a moment is told in the enterprise's time zone", () => {
  expect(moment(new Date("2026-03-01T22:05:07Z"), "Europe/Moscow")).toBe("2026-03-02 01:05:07");
  expect(moment(null, "Europe/Moscow")).toBe("-");
});

test("a table lines its columns up and keeps terminal codes from outside out", () => {
  const printed = table(
    ["a", "b"],
    [
      ["имя", "\u001b[31mred\nline"],
      ["x", "y"],
    ],
  );
  expect(printed).toBe("a    b\nимя   [31mred line\nx    y");
});

test("json values of a column are printed as JSON", () => {
  expect(cell({ a: [1] })).toBe('{"a":[1]}');
  expect(cell(null)).toBe("");
});
