import { expect, it } from "vitest";
import { compareCalls, explainDifferences } from "../../support/truth-compare.ts";
import { crash, type Pbx } from "../lab/pbx.ts";
import type { Action, Scenario } from "../lab/scenario.ts";
import { scenarioNamed } from "../lab/scenarios/index.ts";
import type { Ringpost } from "../ringpost.ts";
import { storedCalls } from "../rows.ts";
import { playAndTell, type Told } from "../told.ts";
import { differencesAt, gapProblems } from "./judge.ts";
import { killedInMidCall } from "./killed.ts";
import { rotate } from "./records.ts";
import { type BlindSites, SITES } from "./sites.ts";
import { unwritten } from "./unwritten.ts";

/** AMI is cut at another moment of each scenario, seconds. */
const CUT = { first: 0.6, step: 0.7, spread: 4.2, lasts: 1.5 };
const ROTATE_EVERY = 15;
const LEAVE_AT = 2;
const UNHEARD_AT = 1;
/** In the middle of the attended transfer. */
const BACK_AT = 4;
const BACK_DURING = "attended_transfer_refer";

/** Everything that is there while calls are played: the PBX, the agent that hears all, those that do not, what was played. */
export interface Office {
  pbx: Pbx;
  ringpost: Ringpost;
  blind: BlindSites;
  told: Told[];
}

/**
 * The scenario, with what is done to the blind agents in the middle of it. In the first one nothing is cut: an Asterisk that
 * never wrote a record has no file yet that an agent could find.
 */
export function disturbed(scenario: Scenario, nth: number, { pbx, blind }: Office): Scenario {
  if (nth === 0) return withActions(scenario, [{ at: LEAVE_AT, run: () => blind.leave() }]);
  const cutAt = CUT.first + ((nth * CUT.step) % CUT.spread);
  return withActions(scenario, [
    { at: cutAt, run: () => blind.cut() },
    { at: cutAt + CUT.lasts, run: () => blind.mend() },
    ...(nth % ROTATE_EVERY === ROTATE_EVERY - 1 ? [{ at: cutAt + CUT.lasts / 2, run: () => rotate(pbx) }] : []),
  ]);
}

/** The load, of which no blind agent hears anything: it is Asterisk's and the listening agent's. */
export function unheard(scenario: Scenario, { blind }: Office): Scenario {
  return withActions(scenario, [{ at: UNHEARD_AT, run: () => blind.leave(true) }]);
}

function withActions(scenario: Scenario, more: readonly Action[]): Scenario {
  return { ...scenario, actions: [...scenario.actions, ...more].toSorted((a, b) => a.at - b.at) };
}

/** Declares what must be known afterwards of all that was played before. */
export function blindPeriods(office: () => Office): void {
  it("agents that were away for all these calls come back in the middle of one, and read what they missed", async () => {
    const { pbx, blind, told } = office();
    const scenario = scenarioNamed(BACK_DURING);
    if (scenario === undefined) throw new Error(`the lab has no ${BACK_DURING}`);
    told.push(await playAndTell(pbx, withActions(scenario, [{ at: BACK_AT, run: () => blind.comeBack() }])));
    expect(await blind.untilRepaired()).toBe(true);
  });

  it.each(SITES)(
    "agent %s, reading %s: calls are told as they happened, gaps name each time and what told of it",
    async (...names) => {
      expect(await wrongAt(office(), names, office().told)).toEqual(NOTHING_WRONG);
    },
  );

  it("Asterisk is killed in the middle of calls: the agent that listened tells each as it was until then", async () => {
    const { pbx, ringpost, blind, told } = office();
    await blind.leave();
    const scenario = killedInMidCall({
      cut: () => blind.cut("asterisk_restarted"),
      crash: () => crash(pbx),
      mend: () => blind.mend(),
    });
    const killed = await playAndTell(pbx, scenario);
    killed.truth.noHangup = true;
    // Nobody but Asterisk could say for how long.
    for (const call of killed.truth.calls) if (call.hangup_by === "pbx crash") call.talk = null;
    told.push(killed);
    await blind.comeBack();
    expect(await blind.untilRepaired()).toBe(true);
    const calls = await storedCalls(ringpost.database.pool, ringpost.site, 0);
    const own = calls.filter(({ linkedid }) => killed.linkedids.includes(linkedid));
    expect(killed.checksFailed).toEqual([]);
    expect(explainDifferences(compareCalls(killed.truth, own, { plain: false }))).toBe("");
  });

  it.each(SITES)("agent %s, reading %s: so are the calls Asterisk died in", async (...names) => {
    expect(await wrongAt(office(), names, office().told.slice(-1))).toEqual(NOTHING_WRONG);
  });
}

interface Wrong {
  calls: string[];
  gaps: string[];
}
const NOTHING_WRONG: Wrong = { calls: [], gaps: [] };

async function wrongAt(
  { pbx, ringpost, blind }: Office,
  [way, records]: (typeof SITES)[number],
  told: readonly Told[],
): Promise<Wrong> {
  const { pool } = ringpost.database;
  const site = blind.sites.find((one) => one.way === way && one.records === records);
  if (site === undefined || told.length === 0) throw new Error(`nothing to judge at ${way} ${records}`);
  const notRecorded = await unwritten(pbx, records);
  return { calls: await differencesAt(pool, site, told, notRecorded), gaps: await gapProblems(pool, site) };
}
