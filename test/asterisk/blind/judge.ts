import type { Pool } from "pg";
import type { CallEvent } from "../../../server/assemble/index.ts";
import { listGaps, type ListedGap } from "../../../server/store/listGaps.ts";
import { differencesBeyond, differencesBeyondCdr } from "../../support/cannot-tell.ts";
import { storedCalls } from "../rows.ts";
import type { Told } from "../told.ts";
import type { BlindSite, BlindTime } from "./sites.ts";

/** The agent notices that AMI is gone, and logs in again, so much later, ms; what it heard last it heard a little before. */
const NOTICED_MS_MAX = 15_000;

/** What a blind site has otherwise than it was, but for what its records cannot say, and for calls Asterisk could not record. */
export async function differencesAt(
  pool: Pool,
  { id, records }: BlindSite,
  told: readonly Told[],
  notRecorded: ReadonlySet<string>,
): Promise<string[]> {
  const [calls, rows] = [await storedCalls(pool, id, 0), await rowsOf(pool, id)];
  const beyond = records.startsWith("cel") ? differencesBeyond : differencesBeyondCdr;
  return told
    .filter(({ checksFailed }) => checksFailed.length === 0)
    .flatMap(({ truth, linkedids }) => {
      const own = calls.filter(({ linkedid }) => linkedids.includes(linkedid) && !notRecorded.has(linkedid));
      const recorded = truth.calls.filter(({ linkedid }) => !notRecorded.has(linkedid));
      const found = beyond({ ...truth, calls: recorded }, own, rows);
      return found === "" ? [] : [`${truth.scenario}: ${found}`];
    });
}

/** What its agent read of Asterisk's files. */
async function rowsOf(pool: Pool, site: number): Promise<CallEvent[]> {
  const { rows } = await pool.query<{ ev: CallEvent["ev"] }>(
    "SELECT body AS ev FROM ami_events WHERE site_id = $1 AND origin = 'recovered'",
    [site],
  );
  return rows.map(({ ev }, index) => ({ stream: 1, seq: index + 1, at: 0, origin: "recovered", ev }));
}

/** What the gaps of a blind site do not say as it was: each time it heard nothing, why, and what told of it afterwards. */
export async function gapProblems(pool: Pool, { id, records, times }: BlindSite): Promise<string[]> {
  const gaps = await listGaps(pool, { site: id }, Date.now());
  const by = records.startsWith("cel") ? "cel" : "cdr";
  const covers = (gap: ListedGap, { from, to, cause }: BlindTime): boolean =>
    gap.cause === cause &&
    gap.from_time.getTime() <= from + 1_000 &&
    gap.from_time.getTime() >= from - NOTICED_MS_MAX &&
    (gap.to_time?.getTime() ?? 0) >= to - 1_000;
  const told = (gap: ListedGap): string =>
    `${gap.cause} from ${gap.from_time.toISOString()} to ${gap.to_time?.toISOString()}, repaired by ${gap.repaired_by}: ${gap.detail}`;
  return [
    ...gaps
      .filter(({ repaired_by: repairedBy }) => repairedBy !== by)
      .map((gap) => `not repaired by ${by}: ${told(gap)}`),
    ...times
      .filter((time) => !gaps.some((gap) => covers(gap, time)))
      .map(
        ({ from, to, cause }) =>
          `no gap for ${cause} from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`,
      ),
  ];
}
