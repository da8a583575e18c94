import { codeOf, EXIT, messageOf, type RingpostError } from "../../shared/errors.ts";
import { createLogger } from "../../shared/log.ts";
import { Agent } from "../agent.ts";
import { notifier } from "../control/notify.ts";
import { Watchdog } from "../control/watchdog.ts";
import { runProgram } from "./program.ts";
import { systemClock } from "../clock.ts";
import type { Settings } from "../settings.ts";

/** A stop that takes longer ends anyway: what is in the outbox is safe. */
const STOP_MS_MAX = 4_800;
/** Of a terminal that does not tell. */
const COLUMNS_USUAL = 80;

/** One command line from beginning to end. Resolves with the exit status; whoever calls ends the process with it. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  // `tail | head`: whoever read has enough. The running agent prints nothing there.
  process.stdout.on("error", (error) => (codeOf(error) === "EPIPE" ? process.exit(EXIT.ok) : undefined));
  return runProgram(args, {
    env: process.env,
    run: runAgent,
    print: (text) => console.log(text),
    complain: (text) => console.error(text),
    terminal: process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "",
    columns: process.stdout.isTTY === true ? process.stdout.columns || COLUMNS_USUAL : Number.POSITIVE_INFINITY,
    enough: untilInterrupted,
  }).catch((error: unknown) => {
    console.error(messageOf(error));
    return EXIT.critical;
  });
}

function untilInterrupted(): AbortSignal {
  const enough = new AbortController();
  process.once("SIGINT", () => enough.abort()).once("SIGTERM", () => enough.abort());
  return enough.signal;
}

async function runAgent(settings: Settings): Promise<number> {
  process.umask(0o077);
  const log = createLogger({ name: "ringpost-agent", level: settings.log.level });
  const ended = Promise.withResolvers<number>();
  const failed = (error: RingpostError) => {
    log.fatal({ code: error.code }, error.message);
    ended.resolve(EXIT.critical);
  };
  const notify = notifier();
  const watchdog = notify === null ? null : new Watchdog(notify, process.env["WATCHDOG_USEC"]);
  const agent = new Agent(settings, { clock: systemClock, random: Math.random, log, failed });
  const stop = () => {
    watchdog?.stop();
    setTimeout(() => ended.resolve(EXIT.ok), STOP_MS_MAX).unref();
    void agent.stop().then(() => ended.resolve(EXIT.ok));
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  watchdog?.start(agent);
  agent.start().catch(failed);
  const exitStatus = await ended.promise;
  await new Promise((done) => log.flush(done));
  return exitStatus;
}
