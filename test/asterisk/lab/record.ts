import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AmiTap, tapAmi } from "./ami.ts";
import { delay } from "./command.ts";
import { CDR_COLUMNS, CEL_COLUMNS } from "./csv.ts";
import { SCENARIOS_FOLDER } from "./paths.ts";
import type { Pbx } from "./pbx.ts";
import { play, type Played } from "./play.ts";
import type { Scenario } from "./scenario.ts";
import { type Truth, truthOf } from "./truth/truth.ts";

/** What follows the login (FullyBooted) belongs to the capture, before the first call. */
const LEAD_MS = 300;

/**
 * Plays a scenario while AMI is recorded with every right, and writes capture and truth
 * to `test/scenarios/<release>/<name>/`.
 */
export async function record(
  pbx: Pbx,
  scenario: Scenario,
  name = scenario.name,
): Promise<{ folder: string; truth: Truth }> {
  const ami = await tapAmi(pbx.state.ports.ami, "recorder", pbx.state.secret);
  const loggedIn = { t: Date.now() / 1_000, what: "ami connection 1 logged in" };
  await delay(LEAD_MS);
  const played = await play(pbx, scenario);
  await ami.close();
  played.marks.unshift(loggedIn);
  const truth = { ...truthOf(pbx.release, played), scenario: name };
  const folder = join(SCENARIOS_FOLDER, pbx.release, name);
  await write(folder, ami, played, truth);
  return { folder, truth };
}

async function write(folder: string, ami: AmiTap, played: Played, truth: Truth): Promise<void> {
  await mkdir(folder, { recursive: true });
  const times = ami.times().map(({ at, offset }) => `${at}\t${offset}\n`);
  await writeFile(join(folder, "ami.raw"), ami.bytes());
  await writeFile(join(folder, "ami.times"), times.join(""));
  await writeFile(join(folder, "cdr.csv"), `${CDR_COLUMNS.join(",")}\n${played.cdrText}`);
  await writeFile(join(folder, "cel.csv"), `${CEL_COLUMNS.join(",")}\n${played.celText}`);
  await writeFile(join(folder, "truth.json"), `${JSON.stringify(truth, null, 1)}\n`);
}
