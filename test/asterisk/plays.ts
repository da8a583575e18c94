import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { compareCalls, explainDifferences } from "../support/truth-compare.ts";
import { blindPeriods, disturbed, type Office, unheard } from "./blind/blind.ts";
import { BlindSites } from "./blind/sites.ts";
import { up } from "./lab/pbx.ts";
import type { Release } from "./lab/releases.ts";
import type { Scenario } from "./lab/scenario.ts";
import { SCENARIOS } from "./lab/scenarios/index.ts";
import { load300, LOAD_COUNTS } from "./lab/scenarios/load300.ts";
import { openRingpost } from "./ringpost.ts";
import { storedCalls, type StoredCall, unknownLinkedids, untilStored } from "./rows.ts";
import { playAndTell, type Told } from "./told.ts";

/** It takes 40 s; a busy machine takes its time to place calls and to write what came of them. */
const LOAD_MS_MAX = 240_000;

/** Declares the whole suite for one release: every scenario, then 300 calls at 10 a second, then what blind agents know of it all. */
export function plays(release: Release): void {
  const impossible = inject("labImpossible");
  describe.skipIf(impossible !== null)(`real calls on Asterisk ${release}`, () => {
    let office: Office;
    beforeAll(async () => {
      const pbx = await up(release, { timestamps: false, say: () => {} });
      const ringpost = await openRingpost(pbx);
      office = { pbx, ringpost, blind: await BlindSites.open(pbx, ringpost), told: [] };
    });
    afterAll(async () => {
      await office?.blind.close();
      await office?.ringpost.close();
    });

    it.each(SCENARIOS.map((scenario, nth) => [scenario.name, scenario.note, scenario, nth] as const))(
      "%s is stored as it happened: %s",
      async (_name, _note, scenario, nth) => {
        const heard = await hear(office, disturbed(scenario, nth, office));
        expect(problemsOf(heard)).toEqual(NO_PROBLEMS);
      },
    );

    it(
      "300 calls at 10 a second: every one stored once, told as it happened, with the counts that were placed",
      async () => {
        const heard = await hear(office, unheard(load300(), office));
        expect(problemsOf(heard)).toEqual(NO_PROBLEMS);
        expect(countsOf(heard.calls)).toEqual(LOAD_COUNTS);
      },
      LOAD_MS_MAX,
    );

    blindPeriods(() => office);
  });
}

interface Heard extends Told {
  calls: StoredCall[];
  /** Linkedids Asterisk's own CEL and CDR have and no stored call does. */
  unknown: string[];
}

/** Plays it and waits for what the agent that hears everything makes of it. */
async function hear({ pbx, ringpost: { database, site }, told: all }: Office, scenario: Scenario): Promise<Heard> {
  const before = await storedCalls(database.pool, site, 0);
  const last = Math.max(0, ...before.map(({ id }) => id));
  const told = await playAndTell(pbx, scenario);
  all.push(told);
  await untilStored(database.pool, site, told.linkedids);
  return {
    ...told,
    calls: await storedCalls(database.pool, site, last),
    unknown: await unknownLinkedids(database.pool, site, told.linkedids),
  };
}

const NO_PROBLEMS: Problems = { script: [], rows: "", onlyCdrAndCel: [], notLive: [] };

interface Problems {
  /** Where SIPp, CDR or CEL went otherwise than the script. */
  script: readonly string[];
  /** Where the rows differ from the truth. */
  rows: string;
  onlyCdrAndCel: readonly string[];
  notLive: readonly string[];
}

function problemsOf({ truth, checksFailed, calls, unknown }: Heard): Problems {
  return {
    script: checksFailed,
    rows: explainDifferences(compareCalls(truth, calls, { plain: false })),
    onlyCdrAndCel: unknown,
    notLive: calls.filter(({ dataSource }) => dataSource !== "live").map(({ linkedid }) => linkedid),
  };
}

function countsOf(calls: readonly StoredCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { callType, callStatus } of calls) {
    const kind = `${callType} ${callStatus}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
