import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadTemplates } from "../faults/oracle/templates.ts";
import { SCENARIOS } from "../support/captures.ts";
import { printTable } from "./report.ts";
import { run, type Result } from "./run.ts";

const USAGE =
  "npm run test:restore -- [--seed N] [--minutes M] [--sites N] [--rate EVENTS_PER_SECOND_AND_SITE] [--json]";

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "2" },
      sites: { type: "string", default: "3" },
      rate: { type: "string", default: "60" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  const log = values.json ? () => {} : (line: string) => console.log(line);
  log(`seed ${seed}`);
  const result = await run({
    seed,
    sites: Number(values.sites),
    eventsPerSecond: Number(values.rate),
    templates: loadTemplates(join(SCENARIOS, "22")),
    forMs: Number(values.minutes) * 60_000,
    log,
  });
  const { minutes, sites, rate } = values;
  const replay = `npm run test:restore -- --seed ${seed} --minutes ${minutes} --sites ${sites} --rate ${rate}`;
  if (values.json) console.log(JSON.stringify({ ...result, replay }));
  else print(result, replay);
  return result.wrongs.length === 0 ? 0 : 1;
}

function print({ rows, wrongs, done, refillMs, putBack, rowsPutBack }: Result, replay: string): void {
  console.log(printTable(rows));
  const { kills, downloads, repairsStruck } = done;
  console.log(`${kills.length} kills; ${downloads.done} of ${downloads.begun} downloads ended well in spite of them.`);
  console.log(`${repairsStruck} of the kills struck while Asterisk's own files were read for what nobody had heard.`);
  console.log(
    `${putBack} events were lost with the database; they were back after ${refillMs.join(", ")} ms. So were ${rowsPutBack} rows of Asterisk's own files, which were read again.`,
  );
  for (const wrong of wrongs) console.log(`BROKEN  ${wrong}`);
  console.log(wrongs.length === 0 ? "The promise held." : `replay: ${replay}`);
}
