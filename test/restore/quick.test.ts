import { join } from "node:path";
import { expect, test } from "vitest";
import { loadTemplates } from "../faults/oracle/templates.ts";
import { SCENARIOS } from "../support/captures.ts";
import { printTable } from "./report.ts";
import { run } from "./run.ts";

test("a copy of the data folder put back under load: sites refill by themselves, nothing is lost, doubled, renamed or told twice", async () => {
  const seed = 6;
  const log: string[] = [];
  const result = await run({
    seed,
    sites: 2,
    eventsPerSecond: 60,
    templates: loadTemplates(join(SCENARIOS, "22")),
    forMs: 0,
    log: (line) => log.push(line),
  });
  const told = [...log, printTable(result.rows), `npm run test:restore -- --seed ${seed} --minutes 0 --sites 2`].join(
    "\n",
  );
  expect({ told, wrongs: result.wrongs }).toEqual({ told, wrongs: [] });
  expect(result.rows.at(-1)).toMatchObject({
    lost: 0,
    doubled: 0,
    wrongCalls: 0,
    renamedSteps: 0,
    announcedTwice: 0,
  });
  expect(result.putBack).toBeGreaterThan(100);
  expect(result.done.kills.length).toBeGreaterThanOrEqual(9);
  expect(result.rows.at(-1)?.announced).toBeGreaterThan(20);
}, 300_000);
