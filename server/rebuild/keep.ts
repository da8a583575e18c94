import type { AssembledCall, Step } from "../assemble/index.ts";
import type { SiteContext } from "../ingest/types.ts";
import type { CallState } from "../store/lockCalls.ts";
import type { WrittenCall } from "../store/readWrittenCalls.ts";

/**
 * What was settled when a call was first written stays, whatever is told now: its ids, whose it is, and the tags. The tag
 * of a merged call is `downloaded` as soon as one of its parts was.
 */
export function keepSettled(call: AssembledCall, own: WrittenCall, parts: readonly WrittenCall[]): AssembledCall {
  const downloaded = [own, ...parts].some(({ row }) => row.dataSource === "downloaded");
  const tags = new Map(
    [own, ...parts].flatMap(({ steps }) =>
      steps.map(({ leg, type, nth, dataSource }) => [`${type} ${nth} ${leg}`, dataSource] as const),
    ),
  );
  return {
    ...call,
    linkedid: own.row.linkedid,
    dataSource: downloaded ? "downloaded" : "live",
    steps: call.steps.map((step) => keepTag(step, tags.get(`${step.key.type} ${step.key.nth} ${step.key.leg}`))),
  };
}

function keepTag(step: Step, tag: string | undefined): Step {
  if (tag === undefined || (tag === "live") === (step.origin === "live")) return step;
  return { ...step, origin: tag === "live" ? "live" : "downloaded" };
}

/** The site as a call is written with it. A call that was final is the past: its new steps are news to nobody. */
export function siteFor(site: SiteContext, own: WrittenCall, state: CallState): SiteContext {
  const { enterpriseId, token, asteriskHost: host } = own.row;
  const delivery =
    state === "final" ? { ...site.delivery, telegram: false, integrationSteps: NO_STEPS } : site.delivery;
  return { ...site, enterpriseId, token, host, delivery };
}

const NO_STEPS: ReadonlySet<never> = new Set();
