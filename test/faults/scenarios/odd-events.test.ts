import { expect, test } from "vitest";
import { pause } from "../stack/stack.ts";
import { missing, scenario } from "./scenario.ts";

const HEAD = "Event: NewExten\r\nPrivilege: call,all\r\n";
const ODD = [
  "Value: a\0b\0\r\n",
  "Value: \xff\xfe\xc3\r\n",
  "Value: \\ud800 \\u0000\r\n",
  ": no name\r\n",
  "Value: x\r\nno colon\r\n",
  "__proto__: x\r\nconstructor: y\r\n",
  Array.from({ length: 1_000 }, (_, n) => `Header${n}: ${n}\r\n`).join(""),
  `Value: ${"m".repeat(3 * 1024 * 1024)}\r\n`,
];

test("5,000 events in one burst, then NULs, bytes that are no UTF-8, no name, 3 MB, a thousand headers: all are kept, once", async () => {
  const outcome = await scenario({ eventsPerSecond: 20 }, async ({ pbx }) => {
    for (let n = 0; n < 5_000; n++) pbx.raise(0, "Burst", `${HEAD}Burst: ${n}\r\nPad: ${"p".repeat(200)}\r\n\r\n`);
    await pause(1_000);
    for (const text of ODD) pbx.raise(0, "Odd", `${HEAD}${text}\r\n`);
    pbx.raise(0, "", "Event: \r\nPrivilege: call,all\r\nValue: unnamed\r\n\r\n");
    await pause(2_000);
  });
  expect(outcome.wrongs).toEqual([]);
  expect(missing(outcome)).toBe(0);
  expect(outcome.sessions).toBe(1);
}, 120_000);
