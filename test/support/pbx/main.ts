import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { loadCapture, type Capture, type PbxVersion } from "./capture.ts";
import { DEMO_USER, startPbx, type Pbx } from "./pbx.ts";
import { EVERYTHING } from "./rights.ts";

interface Options {
  port: number;
  host: string;
  asterisk: PbxVersion;
  captures?: string;
  play: string[];
  speed: number | "full";
  repeat: number;
  load?: number;
  calls: number;
  timestamps?: boolean;
  everything?: boolean;
  writeTimeout: number;
}

/** Secrets do not belong on a command line: the AMI secret comes from here. */
const SECRET_VARIABLE = "RINGPOST_PBX_SECRET";

const options = new Command("pbx")
  .description(
    `A PBX stand-in: speaks AMI on loopback and replays captures (ami.raw, ami.times) to whoever logs in.
User "${DEMO_USER.username}", secret from ${SECRET_VARIABLE} (default "${DEMO_USER.secret}").`,
  )
  .option("--port <n>", "AMI port; 0 takes a free one", number, 5038)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .addOption(new Option("--asterisk <version>", "which Asterisk to be").choices(["16", "22"]).default("22"))
  .option("--captures <dir>", "folder of capture folders; without --play all of them are played")
  .option("--play <name...>", "captures to play, one after another", [])
  .option("--speed <n|full>", "times faster than recorded, or as fast as clients read", speed, 1)
  .option("--repeat <n>", "play the list so many times; 0 for ever", number, 1)
  .option("--load <n>", "calls a second from the first capture instead of playing the list", number)
  .option("--calls <n>", "with --load: stop after so many calls", number, 1000)
  .option("--timestamps", "timestampevents=yes")
  .option("--everything", "the user may read all classes, without eventfilters")
  .option("--write-timeout <ms>", "drop a reader that takes nothing for so long; 0 never", number, 100)
  .addHelpText(
    "after",
    "\nExample: node test/support/pbx/main.ts --port 5038 --captures test/scenarios/22 --play incoming_answered",
  )
  .parse()
  .opts<Options>();

await main(options);

async function main(options: Options): Promise<void> {
  const captures = readCaptures(options);
  const secret = process.env[SECRET_VARIABLE] ?? DEMO_USER.secret;
  const pbx = await startPbx({
    port: options.port,
    host: options.host,
    version: options.asterisk,
    users: [{ ...DEMO_USER, ...(options.everything === true ? EVERYTHING : {}), secret }],
    timestamps: options.timestamps === true ? true : null,
    writeTimeoutMs: options.writeTimeout === 0 ? null : options.writeTimeout,
  });
  console.log(`ready ${options.host}:${pbx.port}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void pbx.stop().then(() => process.exit(0)));
  }
  if (captures.length > 0) await perform(pbx, captures, options);
}

async function perform(pbx: Pbx, captures: Capture[], options: Options): Promise<void> {
  while (pbx.clients === 0) await sleep(50);
  await pbx.clientReady();
  if (options.load !== undefined) {
    const load = pbx.load(captures[0]!, { callsPerSecond: options.load, calls: options.calls });
    await load.done;
    console.log(`played ${load.callsStarted} calls, ${load.eventsPlayed} events`);
    return;
  }
  for (let round = 0; options.repeat === 0 || round < options.repeat; round++) {
    for (const capture of captures) {
      const play = await pbx.play(capture, { speed: options.speed });
      console.log(`play ${capture.name}`);
      await play.done;
    }
  }
  console.log("played all");
}

function readCaptures({ captures, play }: Options): Capture[] {
  if (captures === undefined) return [];
  const names = play.length > 0 ? play : readdirSync(captures).sort();
  return names.map((name) => loadCapture(join(captures, name)));
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("It must be a number, zero or more.");
  return value;
}

function speed(text: string): number | "full" {
  return text === "full" ? "full" : number(text);
}
