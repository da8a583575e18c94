import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble } from "../../../server/assemble/index.ts";
import { loadCapture } from "../../support/pbx/capture.ts";
import { compareCalls } from "../../support/truth-compare.ts";
import { LAB } from "../../support/truth-directory.ts";
import { eventsOf } from "../../support/truth-events.ts";
import type { Truth as ComparedTruth } from "../../support/truth.ts";
import { type AmiTap, eventBlocks, tapAmi } from "./ami.ts";
import { delay } from "./command.ts";
import { type AmiUser, writeConfiguration } from "./config.ts";
import { cli, type Pbx } from "./pbx.ts";
import { play } from "./play.ts";
import type { Scenario } from "./scenario.ts";
import { type Truth, truthOf } from "./truth/truth.ts";

const CALL_HEADERS = "Privilege: (system|call|agent|dtmf)";
const VARIABLES = "Variable: (DIALSTATUS|VMSTATUS|MIXMONITOR_FILENAME|(__)?EXTTOCALL)";
const APPLICATIONS = "Application: (Dial|Queue|VoiceMail)";
const WIDE = "system,call,agent,dtmf,dialplan";
/** FullyBooted comes right after the login and belongs to no call. */
const LOGIN_MS = 400;

/** Rights to compare: all at once, each an AMI user of its own hearing the same calls. */
export const CANDIDATES: readonly AmiUser[] = [
  { name: "everything", read: "all", filters: [] },
  { name: "five_classes", read: WIDE, filters: [] },
  { name: "recommended", read: WIDE, filters: [CALL_HEADERS, VARIABLES, APPLICATIONS] },
  { name: "no_applications", read: WIDE, filters: [CALL_HEADERS, VARIABLES] },
  { name: "no_variables", read: WIDE, filters: [CALL_HEADERS, APPLICATIONS] },
  { name: "no_dialplan", read: "system,call,agent,dtmf", filters: [] },
  { name: "no_dtmf", read: "system,call,agent,dialplan", filters: [CALL_HEADERS, VARIABLES, APPLICATIONS] },
  { name: "no_agent", read: "system,call,dtmf,dialplan", filters: [CALL_HEADERS, VARIABLES, APPLICATIONS] },
  { name: "call_only", read: "call", filters: [] },
];

export interface RightsRow {
  asterisk: string;
  user: AmiUser;
  calls: number;
  events: number;
  bytes: number;
  /** What the assembler no longer told: `scenario: field`. */
  lost: string[];
}

/** Plays scenarios once while every candidate listens, and tells what each heard and what it could not tell. */
export async function measureRights(
  pbx: Pbx,
  scenarios: readonly Scenario[],
  say: (line: string) => void,
): Promise<RightsRow[]> {
  await setUsers(pbx, CANDIDATES);
  try {
    const rows = CANDIDATES.map((user): RightsRow => {
      return { asterisk: pbx.release, user, calls: 0, events: 0, bytes: 0, lost: [] };
    });
    for (const scenario of scenarios) {
      say(`Asterisk ${pbx.release}: ${scenario.name}`);
      await measureOne(pbx, scenario, rows);
    }
    return rows;
  } finally {
    await setUsers(pbx, []);
  }
}

async function setUsers(pbx: Pbx, users: readonly AmiUser[]): Promise<void> {
  const { ports, secret, timestamps } = pbx.state;
  await writeConfiguration(pbx.release, pbx.paths, { ports, secret, timestamps, users });
  await cli(pbx, "manager reload");
}

async function measureOne(pbx: Pbx, scenario: Scenario, rows: RightsRow[]): Promise<void> {
  const { ports, secret } = pbx.state;
  const taps = await Promise.all(CANDIDATES.map(({ name }) => tapAmi(ports.ami, name, secret)));
  await delay(LOGIN_MS);
  const quiet = taps.map((tap) => tap.bytes().length);
  const truth = truthOf(pbx.release, await play(pbx, scenario));
  await Promise.all(taps.map((tap) => tap.close()));
  for (const [index, row] of rows.entries()) {
    const tap = taps[index];
    if (tap === undefined) continue;
    const heard = tap.bytes().subarray(quiet[index]);
    row.calls += truth.calls.length;
    row.bytes += heard.length;
    row.events += eventBlocks(heard.toString("latin1")).length;
    row.lost.push(...(await lostFor(tap, truth)));
  }
}

async function lostFor(tap: AmiTap, truth: Truth): Promise<string[]> {
  const calls = assemble(await heardBy(tap), LAB);
  const differences = compareCalls(truth as unknown as ComparedTruth, calls, { plain: false });
  const fields = differences.map(({ path }) => path.replace(/^[^.]+\./, "").replaceAll(/\[\d+\]/g, ""));
  const recorded = truth.calls.some((call) => call["recording"] === true);
  if (recorded && calls.every(({ extra }) => extra["recording"] === undefined)) fields.push("extra.recording");
  return [...new Set(fields)].map((field) => `${truth.scenario}: ${field}`);
}

async function heardBy(tap: AmiTap): Promise<ReturnType<typeof eventsOf>> {
  const folder = await mkdtemp(join(tmpdir(), "ringpost-rights-"));
  const times = tap.times().map(({ at, offset }) => `${at}\t${offset}\n`);
  await writeFile(join(folder, "ami.raw"), tap.bytes());
  await writeFile(join(folder, "ami.times"), times.join(""));
  const events = eventsOf(loadCapture(folder), "everything");
  await rm(folder, { recursive: true, force: true });
  return events;
}
