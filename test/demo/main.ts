import { Command, Option } from "commander";
import { followCalls, outage, settled, type Scene } from "./account.ts";
import { DemoFailure, inPart } from "./failure.ts";
import { buildHouse, type Cleanup } from "./house.ts";
import { playAll, playOn, PROGRAMME } from "./programme.ts";
import { report } from "./report.ts";
import { Screen } from "./screen.ts";
import { stopEverything } from "../support/processes.ts";
import { wordsFor } from "./words.ts";

const STAY_CALL_EVERY_MS = 5_000;

const spoken = process.argv[process.argv.indexOf("--lang") + 1];
const help = wordsFor(spoken === "ru" || spoken === "en" ? spoken : undefined, process.env);
const options = new Command("demo")
  .description(help.about)
  .option("--stay", help.optStay)
  .addOption(new Option("--lang <lang>", help.optLang).choices(["en", "ru"]))
  .helpOption("-h, --help", help.optHelp)
  .parse()
  .opts<{ stay?: boolean; lang?: "en" | "ru" }>();

const words = wordsFor(options.lang, process.env);
const screen = new Screen({
  out: (text) => process.stdout.write(`${text}\n`),
  colour: process.stdout.isTTY === true && !process.env["NO_COLOR"],
  words,
  now: Date.now,
});
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!interrupt.signal.aborted) screen.line(`\n${words.interrupted}`);
    interrupt.abort();
  });
}
// Whoever reads our output may leave (demo | head): stop like on Ctrl-C.
process.stdout.on("error", () => interrupt.abort());

process.exitCode = await main();

async function main(): Promise<number> {
  const cleanup: Cleanup = { steps: [], building: Promise.resolve() };
  const beganAt = performance.now();
  const done = await tell(cleanup).then(
    () => true,
    (error: unknown) => error,
  );
  const failed = done !== true && !interrupt.signal.aborted;
  if (failed) tellFailure(done);
  await tearDown(cleanup);
  if (failed) return 1;
  screen.line(interrupt.signal.aborted ? words.stopped : words.elapsed(performance.now() - beganAt));
  return done === true || options.stay === true ? 0 : 130;
}

/** The demo's story. Ends early, by an AbortError, when somebody presses Ctrl-C. */
async function tell(cleanup: Cleanup): Promise<void> {
  const { signal } = interrupt;
  screen.line(screen.paint.bold(words.title));
  const building = buildHouse(screen, words, { cleanup, signal });
  cleanup.building = building;
  const house = await untilInterrupted(building);
  const scene: Scene = { house, screen, words, signal };
  followCalls(scene);

  screen.line();
  screen.line(words.callsBegin(PROGRAMME.length));
  screen.heading();
  const calls = inPart(words.partCalls, () => playAll(house.pbx, signal));
  const [expected] = await untilInterrupted(Promise.race([Promise.all([calls, outage(scene)]), house.mishap]));
  await untilInterrupted(settled(scene, expected));
  await untilInterrupted(report(scene));
  if (options.stay !== true) return;
  howToLook(scene);
  await Promise.race([playOn(house.pbx, STAY_CALL_EVERY_MS, signal), house.mishap]);
}

/** Work that does not look at the signal itself is left behind when it comes; what it started is in the cleanup. */
async function untilInterrupted<T>(work: Promise<T>): Promise<T> {
  const { signal } = interrupt;
  signal.throwIfAborted();
  work.catch(() => {});
  return Promise.race([
    work,
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  ]);
}

function howToLook({ house }: Scene): void {
  const folder = `--data-dir ${house.dataDir}`;
  screen.line(screen.paint.bold(words.stay));
  screen.line(`  ${words.lookApi.padEnd(9)} ${house.server.url}/healthz  ${house.server.url}/readyz`);
  screen.line(`  ${words.lookDatabase.padEnd(9)} ${house.server.databaseUrl}`);
  for (const command of ["status", "calls --follow", `sql 'SELECT * FROM calls ORDER BY id DESC LIMIT 5'`]) {
    screen.line(`  ${words.lookCommands.padEnd(9)} npm run -s server -- ${command} ${folder}`);
  }
  screen.line(`  ${words.lookCommands.padEnd(9)} npm run -s agent -- status --config ${house.agent.configPath}`);
  screen.line();
}

function tellFailure(error: unknown): void {
  const part = error instanceof DemoFailure ? error.part : words.partCalls;
  screen.line(screen.paint.red(words.failure(part, error instanceof Error ? error.message : String(error))));
}

/** Processes first, agent before server; what was just being built; then the rest, each whatever became of the others. */
async function tearDown(cleanup: Cleanup): Promise<void> {
  await stopEverything();
  await cleanup.building.catch(() => {}); // told already, or interrupted
  for (const step of [stopEverything, ...cleanup.steps.reverse()]) {
    await Promise.resolve(step()).catch((error: unknown) => tellFailure(new DemoFailure(words.partStop, error)));
  }
}
