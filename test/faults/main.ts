import { join } from "node:path";
import { parseArgs } from "node:util";
import { SCENARIOS } from "../support/captures.ts";
import { FAULTS, faultsNamed } from "./catalogue/index.ts";
import { MILLION, millionBacklog, printMillion } from "./million.ts";
import { loadTemplates } from "./oracle/templates.ts";
import { printTable } from "./report.ts";
import { run, type RunResult } from "./run.ts";
import { PACES } from "./schedule.ts";

const USAGE = `npm run test:faults -- [--seed N] [--minutes M] [--rate EVENTS_PER_SECOND] [--only FAULT,..] [--binary FILE] [--keep] [--json]
Faults: ${[...FAULTS.map(({ name }) => name), MILLION].join(", ")}`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "2" },
      rate: { type: "string", default: "60" },
      only: { type: "string" },
      binary: { type: "string" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const log = values.json ? () => {} : (line: string) => console.log(line);
  if (values.only === MILLION)
    return printMillion(await millionBacklog({ log, agentBinary: values.binary }), values.json);
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  log(`seed ${seed}`);
  const minutes = Number(values.minutes);
  const result = await run({
    seed,
    faults: values.only === undefined ? FAULTS : faultsNamed(values.only.split(",")),
    faultsForMs: minutes * 60_000,
    eventsPerSecond: Number(values.rate),
    templates: loadTemplates(join(SCENARIOS, "22")),
    pace: minutes > 5 ? PACES.long : PACES.quick,
    agentBinary: values.binary,
    keep: values.keep,
    log,
  });
  print(result, { json: values.json, replay: replayCommand(seed, values), keep: values.keep });
  return result.wrongs.length === 0 ? 0 : 1;
}

function replayCommand(seed: number, values: { minutes: string; rate: string; only?: string }): string {
  const only = values.only === undefined ? "" : ` --only ${values.only}`;
  return `npm run test:faults -- --seed ${seed} --minutes ${values.minutes} --rate ${values.rate}${only}`;
}

function print(result: RunResult, options: { json: boolean; replay: string; keep: boolean }): void {
  if (options.json) {
    console.log(JSON.stringify({ ...result, replay: options.replay }));
    return;
  }
  console.log(printTable(result.rows));
  console.log(`${result.calls} calls; the calls were looked at ${result.samples} times while the faults went on.`);
  for (const { fault, why } of result.skipped) console.log(`skipped ${fault}: ${why}`);
  if (options.keep) console.log(`kept ${result.dir}`);
  if (result.wrongs.length === 0) {
    console.log("The promise held.");
    return;
  }
  for (const wrong of result.wrongs) console.log(`BROKEN  ${wrong}`);
  console.log(`replay: ${options.replay}`);
}
