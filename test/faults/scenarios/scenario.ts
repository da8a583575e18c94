import { join } from "node:path";
import type { Verdict } from "../audit/events.ts";
import { readGaps, type GapRow } from "../audit/evidence.ts";
import { FinalityWatch } from "../audit/finality.ts";
import { faultsNamed } from "../catalogue/index.ts";
import { loadTemplates } from "../oracle/templates.ts";
import { SCENARIOS } from "../../support/captures.ts";
import { begin, judge, settle } from "../run.ts";
import { startStack, type Stack, type StackOptions } from "../stack/stack.ts";

const templates = loadTemplates(join(SCENARIOS, "22"));

export interface Outcome {
  /** Everything that broke the promise, in words. */
  wrongs: string[];
  verdicts: Verdict[];
  gaps: GapRow[];
  /** AMI sessions of the first PBX. */
  sessions: number;
  streams: number;
}

/** One stack, one story: calls run, `act` does its harm, then everything settles and is judged as after any run. */
export async function scenario(
  options: Partial<StackOptions>,
  act: (stack: Stack, watch: FinalityWatch) => Promise<void>,
  silenceMsMax?: number,
): Promise<Outcome> {
  const stack = await startStack({
    seed: 1,
    templates,
    eventsPerSecond: 60,
    servers: 1,
    liveWindowSeconds: 3,
    ...options,
  });
  const watch = new FinalityWatch(stack.database, stack.site.id);
  try {
    await begin(stack);
    watch.start();
    await act(stack, watch);
    const settled = await settle(stack, silenceMsMax);
    await watch.stop();
    const judged = await judge(stack, watch);
    const [{ n }] = (await stack.database.query<{ n: string }>("SELECT count(*) AS n FROM streams WHERE site_id = $1", [
      stack.site.id,
    ])) as [{ n: string }];
    return {
      wrongs: [...settled, ...judged.wrongs],
      verdicts: judged.verdicts,
      gaps: await readGaps(stack.database, stack.site.id),
      sessions: stack.journal.sessions.filter(({ pbx }) => pbx === stack.pbx.name).length,
      streams: Number(n),
    };
  } finally {
    await watch.stop();
    await stack.close(false);
  }
}

/** Injects one fault of the catalogue. */
export async function inject(stack: Stack, name: string, holdMs: number): Promise<void> {
  const [fault] = faultsNamed([name]);
  await fault!.inject(stack, stack.random.fork(name), holdMs);
}

export function missing(outcome: Outcome): number {
  return outcome.verdicts.filter(({ kept }) => !kept).length;
}
