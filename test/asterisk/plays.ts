import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { compareCalls, explainDifferences } from "../support/truth-compare.ts";
import type { Truth } from "../support/truth.ts";
import { type Pbx, up } from "./lab/pbx.ts";
import { play, type Played } from "./lab/play.ts";
import type { Release } from "./lab/releases.ts";
import type { Scenario } from "./lab/scenario.ts";
import { SCENARIOS } from "./lab/scenarios/index.ts";
import { load300, LOAD_COUNTS } from "./lab/scenarios/load300.ts";
import { truthOf } from "./lab/truth/truth.ts";
import { openRingpost, type Ringpost } from "./ringpost.ts";
import { storedCalls, type StoredCall, unknownLinkedids, untilStored } from "./rows.ts";

interface Told {
  truth: Truth;
  checksFailed: readonly string[];
  calls: StoredCall[];
  /** Linkedids Asterisk's own CEL and CDR have and no stored call does. */
  unknown: string[];
}

/** Declares the whole suite for one release: every scenario, then 300 calls at 10 a second. */
export function plays(release: Release): void {
  const impossible = inject("labImpossible");
  describe.skipIf(impossible !== null)(`real calls on Asterisk ${release}`, () => {
    let pbx: Pbx;
    let ringpost: Ringpost | undefined;
    beforeAll(async () => {
      pbx = await up(release, { timestamps: false, say: () => {} });
      ringpost = await openRingpost(pbx);
    });
    afterAll(() => ringpost?.close());

    it.each(SCENARIOS.map((scenario) => [scenario.name, scenario.note, scenario] as const))(
      "%s is stored as it happened: %s",
      async (_name, _note, scenario) => {
        const told = await tell(pbx, ringpost!, scenario);
        expect(problemsOf(told)).toEqual(NO_PROBLEMS);
      },
    );

    it("300 calls at 10 a second: every one stored once, told as it happened, with the counts that were placed", async () => {
      const told = await tell(pbx, ringpost!, load300());
      expect(problemsOf(told)).toEqual(NO_PROBLEMS);
      expect(countsOf(told.calls)).toEqual(LOAD_COUNTS);
    });
  });
}

async function tell(pbx: Pbx, { database, site }: Ringpost, scenario: Scenario): Promise<Told> {
  const before = await storedCalls(database.pool, site, 0);
  const last = Math.max(0, ...before.map(({ id }) => id));
  const played = await play(pbx, scenario);
  const { checks_failed, ...truth } = truthOf(pbx.release, played);
  const linkedids = linkedidsOf(played);
  await untilStored(database.pool, site, linkedids);
  return {
    truth: truth as unknown as Truth,
    checksFailed: checks_failed,
    calls: await storedCalls(database.pool, site, last),
    unknown: await unknownLinkedids(database.pool, site, linkedids),
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

function problemsOf({ truth, checksFailed, calls, unknown }: Told): Problems {
  return {
    script: checksFailed,
    rows: explainDifferences(compareCalls(truth, calls, { plain: false })),
    onlyCdrAndCel: unknown,
    notLive: calls.filter(({ dataSource }) => dataSource !== "live").map(({ linkedid }) => linkedid),
  };
}

function linkedidsOf({ cdr, cel }: Played): string[] {
  return [...new Set([...cdr, ...cel].map(({ linkedid = "" }) => linkedid))].filter((linkedid) => linkedid !== "");
}

function countsOf(calls: readonly StoredCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { callType, callStatus } of calls) {
    const kind = `${callType} ${callStatus}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
