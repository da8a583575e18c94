import type { CallEvent } from "../../server/assemble/index.ts";
import { compareCalls, explainDifferences, type Difference } from "./truth-compare.ts";
import type { Truth, TruthCall } from "./truth.ts";
import type { AssembledCall } from "../../server/assemble/index.ts";

/** Something a channel event log does not say: where it is missing, nothing can be told of it. */
interface Limit {
  why: string;
  applies(path: string, call: TruthCall | undefined, rows: readonly CallEvent[]): boolean;
}

const LIMITS: readonly Limit[] = [
  {
    why: "keys are in the log only where Asterisk writes DTMF rows (from 18 on)",
    applies: (path, _, rows) => path.endsWith("ivr.digits") && !rows.some(({ ev }) => ev["EventName"] === "DTMF"),
  },
  {
    why: "a recording is in the log only when the application MixMonitor is logged",
    applies: (path, _, rows) =>
      path.endsWith("recording") && !rows.some(({ ev }) => ev["Application"] === "MixMonitor"),
  },
  {
    why: "Asterisk going down in order hangs everybody up just as it does at any other time",
    applies: (path, call) => path.endsWith("disconnect_reason") && call?.hangup_by?.startsWith("pbx ") === true,
  },
  {
    why: "a phone without a channel, called by a DID and named by nothing but a variable, is in no row",
    applies: (path, call) =>
      path.endsWith("participants") &&
      call?.direction === "incoming" &&
      call.participants?.every((one) => one.uniqueid === undefined) === true,
  },
];

/** Where the calls differ from the truth, but for what rows of these kinds cannot say; "" is as it should be. */
export function differencesBeyond(truth: Truth, calls: AssembledCall[], rows: readonly CallEvent[]): string {
  const isLimit = ({ path }: Difference): boolean => {
    const call = truth.calls.find(({ label, linkedid }) => path.startsWith(`${label ?? linkedid}.`));
    return LIMITS.some((limit) => limit.applies(path, call, rows));
  };
  return explainDifferences(compareCalls(truth, calls, { plain: false }).filter((one) => !isLimit(one)));
}
