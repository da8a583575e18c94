import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import type { RingpostError } from "../shared/errors.ts";
import type { Settings } from "./settings.ts";

// Compiled sources are kept beside the dependencies: stripping types anew at every start would cost 30 MB of memory.
// Threads take the folder from the environment.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../node_modules/.cache/ringpost", import.meta.url));
enableCompileCache(process.env["NODE_COMPILE_CACHE"]);
const { EXIT, messageOf } = await import("../shared/errors.ts");
const { createLogger } = await import("../shared/log.ts");
const { Agent } = await import("./agent.ts");
const { runProgram } = await import("./cli/program.ts");
const { systemClock } = await import("./clock.ts");

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
