import { messageOf, EXIT, type RingpostError } from "../shared/errors.ts";
import { createLogger } from "../shared/log.ts";
import { Agent } from "./agent.ts";
import { runProgram } from "./cli/program.ts";
import { systemClock } from "./clock.ts";
import type { Settings } from "./settings.ts";

/** A stop that takes longer ends anyway: what is in the outbox is safe. */
const STOP_MS_MAX = 4_800;

async function run(settings: Settings): Promise<number> {
  process.umask(0o077);
  const log = createLogger({ name: "ringpost-agent", level: settings.log.level });
  const ended = Promise.withResolvers<number>();
  const failed = (error: RingpostError) => {
    log.fatal({ code: error.code }, error.message);
    ended.resolve(EXIT.critical);
  };
  const agent = new Agent(settings, { clock: systemClock, random: Math.random, log, failed });
  const stop = () => {
    setTimeout(() => ended.resolve(EXIT.ok), STOP_MS_MAX).unref();
    void agent.stop().then(() => ended.resolve(EXIT.ok));
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  agent.start().catch(failed);
  const exitStatus = await ended.promise;
  await new Promise((done) => log.flush(done));
  return exitStatus;
}

const exitStatus = await runProgram(process.argv.slice(2), {
  env: process.env,
  run,
  print: (text) => console.log(text),
  complain: (text) => console.error(text),
}).catch((error: unknown) => {
  console.error(messageOf(error));
  return EXIT.critical;
});
process.exit(exitStatus);
