import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { tapAmi } from "./ami.ts";
import { delay } from "./command.ts";
import { CDR_COLUMNS, CEL_COLUMNS, lengthOf, parseRows, type Row, textFrom } from "./csv.ts";
import { cli, type Pbx } from "./pbx.ts";
import type { Action, Scenario } from "./scenario.ts";
import { dialogOf, refer } from "./sip/refer.ts";
import { type RunningLeg, startLeg } from "./sip/run.ts";
import { readMessages } from "./sip/trace.ts";
import { legsOf, type SipLeg } from "./sip/wire-legs.ts";

/** SIPp needs a moment before it answers. */
const READY_MS = 250;
const QUIET_MS_MAX = 90_000;
const POLL_MS = 200;
/** No channel at this many looks in a row: a caller may be between its INVITE and its channel. */
const QUIET_LOOKS = 4;
/** The last CDR and CEL rows are written just after the last channel is gone. */
const RECORDS_MS = 400;

/** What a played scenario left behind; times in epoch seconds. */
export interface Played {
  scenario: Scenario;
  started: number;
  ended: number;
  marks: { t: number; what: string }[];
  legs: SipLeg[];
  exits: { tag: string; code: number | "killed" }[];
  cdr: Row[];
  cel: Row[];
  cdrText: string;
  celText: string;
}

interface Stage {
  pbx: Pbx;
  folder: string;
  running: RunningLeg[];
  marks: { t: number; what: string }[];
}

/** Plays a scenario with SIPp against a running PBX and waits until no channel is left. */
export async function play(pbx: Pbx, scenario: Scenario): Promise<Played> {
  const folder = join(pbx.paths.plays, scenario.name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = recordFiles(pbx);
  const from = { cdr: await lengthOf(files.cdr), cel: await lengthOf(files.cel) };
  const stage: Stage = { pbx, folder, running: [], marks: [] };
  const started = Date.now() / 1_000;
  try {
    await perform(stage, scenario);
  } finally {
    await Promise.all(stage.running.map((leg) => leg.stop()));
  }
  const cdrText = await textFrom(files.cdr, from.cdr);
  const celText = await textFrom(files.cel, from.cel);
  return {
    scenario,
    started,
    ended: Date.now() / 1_000,
    marks: stage.marks,
    cdrText,
    celText,
    legs: await wireLegs(stage.running),
    exits: await Promise.all(stage.running.map(async ({ tag, exit }) => ({ tag, code: await exit }))),
    cdr: parseRows(cdrText, CDR_COLUMNS),
    cel: parseRows(celText, CEL_COLUMNS),
  };
}

export function recordFiles(pbx: Pbx): { cdr: string; cel: string } {
  const { logs } = pbx.paths;
  return { cdr: join(logs, "cdr-custom/Master.csv"), cel: join(logs, "cel-custom/Master.csv") };
}

async function perform(stage: Stage, scenario: Scenario): Promise<void> {
  for (const leg of scenario.ready) await enter(stage, leg);
  await delay(READY_MS);
  const start = Date.now();
  for (const action of scenario.actions) {
    await delay(Math.max(0, start + action.at * 1_000 - Date.now()));
    await act(stage, action);
  }
  await untilQuiet(stage);
  await delay(RECORDS_MS);
}

async function enter(stage: Stage, leg: RunningLeg["leg"]): Promise<void> {
  stage.running.push(await startLeg(stage.pbx, leg, stage.running.length + 1, stage.folder));
}

async function act(stage: Stage, action: Action): Promise<void> {
  if ("place" in action) return enter(stage, action.place);
  if ("refer" in action) return transfer(stage, action.refer);
  if ("run" in action) return action.run();
  return originate(stage, action.originate);
}

function mark(stage: Stage, what: string): void {
  stage.marks.push({ t: Date.now() / 1_000, what });
}

type Refer = Extract<Action, { refer: unknown }>["refer"];

async function transfer(stage: Stage, { by, kind, to, replaces }: Refer): Promise<void> {
  const dialog = await dialogOfPhone(stage, by, kind);
  const other = replaces ? await dialogOfPhone(stage, by, "places") : null;
  const status = await refer(stage.pbx, by, dialog, to, other);
  mark(stage, `REFER by ${by}: ${status}`);
}

async function dialogOfPhone(
  stage: Stage,
  who: string,
  role: "answers" | "places",
): Promise<NonNullable<ReturnType<typeof dialogOf>>> {
  const leg = stage.running.findLast((running) => running.leg.who === who && running.leg.role === role);
  const dialog = leg === undefined ? null : dialogOf(await readMessages(leg.messages));
  if (dialog === null) throw new Error(`${who} has no call of its own (${role}) to transfer`);
  return dialog;
}

type Originate = Extract<Action, { originate: unknown }>["originate"];

async function originate(stage: Stage, { extension, number, timeoutSeconds }: Originate): Promise<void> {
  const { ports, secret } = stage.pbx.state;
  const ami = await tapAmi(ports.ami, "recorder", secret);
  ami.action({
    Action: "Originate",
    Channel: `PJSIP/${extension}`,
    Context: "from-internal",
    Exten: number,
    Priority: "1",
    CallerID: `"Click" <${extension}>`,
    Timeout: String(timeoutSeconds * 1_000),
    Async: "true",
  });
  mark(stage, `Originate PJSIP/${extension}`);
  await delay(POLL_MS);
  await ami.close();
}

/** Callers have ended and Asterisk has no channel: nothing can happen any more. */
async function untilQuiet(stage: Stage): Promise<void> {
  let quietLooks = 0;
  for (let waitedMs = 0; waitedMs < QUIET_MS_MAX; waitedMs += POLL_MS) {
    await delay(POLL_MS);
    const quiet = /^0 active channels/m.test(await cli(stage.pbx, "core show channels count"));
    quietLooks = quiet ? quietLooks + 1 : 0;
    if (quietLooks === QUIET_LOOKS) return;
  }
  mark(stage, `channels were left after ${QUIET_MS_MAX / 1_000} s`);
  await cli(stage.pbx, "channel request hangup all");
}

async function wireLegs(running: readonly RunningLeg[]): Promise<SipLeg[]> {
  const all = await Promise.all(running.map(async (side) => legsOf(side.leg.who, await readMessages(side.messages))));
  return all.flat().sort((a, b) => a.invite - b.invite);
}
