import { expect, it } from "vitest";
import { parseRows } from "./csv.ts";

it("reads quoted values with commas, doubled quotes and line ends inside", () => {
  const text = '"a, ""b""","","two\nlines"\n"x","y","z"\n';
  expect(parseRows(text, ["one", "two", "three"])).toEqual([
    { one: 'a, "b"', two: "", three: "two\nlines" },
    { one: "x", two: "y", three: "z" },
  ]);
});
