import { cpus, totalmem } from "node:os";
import { Command } from "commander";
import type { Bench, Figure } from "./figure.ts";
import { tableOf } from "./figure.ts";
import { BENCHES } from "./benches.ts";

interface Options {
  json?: boolean;
  only?: string;
}

const program = new Command("npm run bench --")
  .description("Measures each figure beside its limit in the same run, and prints the ratio.")
  .option("--only <names>", "these parts only, separated by commas")
  .option("--json", "one JSON object on standard output")
  .addHelpText("after", `\nParts:\n${BENCHES.map(({ name, what }) => `  ${name.padEnd(10)} ${what}`).join("\n")}`)
  .addHelpText("after", "\nExamples:\n  npm run bench\n  npm run -s bench -- --only outbox,ingest --json")
  .parse();
const { json = false, only } = program.opts<Options>();

const chosen = choose(only);
const results: { name: string; figures: Figure[] }[] = [];
for (const bench of chosen) {
  const say = (line: string) => process.stderr.write(`${bench.name}: ${line}\n`);
  say(bench.what);
  results.push({ name: bench.name, figures: await bench.run(say) });
}

const machine = {
  cpus: cpus().length,
  cpu: cpus()[0]?.model,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
if (json) console.log(JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2));
else {
  console.log(`${machine.cpus} x ${machine.cpu}, ${machine.memoryGb} GB, Node ${machine.node}`);
  console.log(tableOf(results.flatMap(({ figures }) => figures)));
}

function choose(names: string | undefined): readonly Bench[] {
  if (names === undefined) return BENCHES;
  return names.split(",").map((name) => {
    const bench = BENCHES.find((known) => known.name === name.trim());
    return (
      bench ?? program.error(`There is no part "${name}". Parts: ${BENCHES.map((known) => known.name).join(", ")}.`)
    );
  });
}
