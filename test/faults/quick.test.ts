import { join } from "node:path";
import { expect, test } from "vitest";
import { SCENARIOS } from "../support/captures.ts";
import { FAULTS } from "./catalogue/index.ts";
import { loadTemplates } from "./oracle/templates.ts";
import { ALL, printTable } from "./report.ts";
import { run } from "./run.ts";
import { PACES } from "./schedule.ts";

const SEEDS = [20260];

test.each(SEEDS)(
  "every fault, some two at once, and the promise holds (seed %i)",
  async (seed) => {
    const log: string[] = [];
    const result = await run({
      seed,
      faults: FAULTS,
      faultsForMs: 0,
      eventsPerSecond: 60,
      templates: loadTemplates(join(SCENARIOS, "22")),
      pace: PACES.quick,
      keep: false,
      log: (line) => log.push(line),
    });
    const told = [...log, printTable(result.rows), `npm run test:faults -- --seed ${seed} --minutes 0`].join("\n");
    expect({ told, wrongs: result.wrongs }).toEqual({ told, wrongs: [] });
    const happened = result.rows
      .filter(({ fault, injected }) => injected > 0 && fault !== ALL)
      .map(({ fault }) => fault);
    const skipped = result.skipped.map(({ fault }) => fault);
    expect([...happened, ...skipped].sort()).toEqual(FAULTS.map(({ name }) => name).sort());
    expect(result.samples).toBeGreaterThan(20);
  },
  400_000,
);
