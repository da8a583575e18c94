import type { AssembledCall, CallEvent } from "../../server/assemble/index.ts";
import { compareCalls, explainDifferences, type Difference } from "./truth-compare.ts";
import type { Truth, TruthCall } from "./truth.ts";

/** Something Asterisk's own files do not say: where it is missing, nothing can be told of it. */
interface Limit {
  why: string;
  applies(path: string, call: TruthCall | undefined, rows: readonly CallEvent[], found: Difference): boolean;
}

const CEL_LIMITS: readonly Limit[] = [
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

/** What a call detail record can tell at all: who called whom, through what, when, and whether they were connected. */
const CDR_TELLS =
  /^[^.]+$|\.(ended|call_type|call_status|phone_number|trunk|main_extension|start_time|end_time|duration|participants)$/;

/** A beginning and a length, both cut to the second. */
const CUT_SECONDS = 2;

const CDR_LIMITS: readonly Limit[] = [
  {
    why: "a record of whole seconds has the end up to two seconds early: the beginning is cut, and the length from there",
    applies: (path, _, rows, { truth, assembled }) => {
      const early = (Number(truth) - Number(assembled)) / (path.endsWith("end_time") ? 1_000 : 1);
      const isCoarse = rows.every(({ ev }) => Number(ev["StartTime"]) % 1 === 0);
      // A duration is whole seconds itself, and longer where the end was heard.
      const [earlyMin, earlyMax] = path.endsWith("duration") ? [-CUT_SECONDS, CUT_SECONDS + 1] : [0, CUT_SECONDS];
      return /(end_time|duration)$/.test(path) && isCoarse && early >= earlyMin && early <= earlyMax;
    },
  },
  {
    why: "a phone that refused the call has NO ANSWER in its record, as one that nobody picked up",
    applies: (path, _, __, { truth, assembled }) => {
      const blunt = (value: unknown): string => JSON.stringify(value).replaceAll("busy", "no_answer");
      return /(participants|call_status)$/.test(path) && blunt(truth) === blunt(assembled);
    },
  },
  {
    why: "of a call in which Asterisk died there is no record",
    applies: (path, call) =>
      call?.hangup_by === "pbx crash" && /^[^.]+$|(participants|call_status|main_extension)$/.test(path),
  },
  {
    why: "in a conference a record is of two who meet: who leaves last, and who comes last, is in none",
    applies: (path, call) => call?.conference !== undefined && /(end_time|duration|call_status)$/.test(path),
  },
  {
    why: "a phone without a channel is in no record",
    applies: (path, call) =>
      /(participants|call_status)$/.test(path) &&
      call?.participants?.some((one) => one.uniqueid === undefined) === true,
  },
  {
    why: "who takes a call out of the parking lot has a record of calling the lot",
    applies: (path, call) =>
      path.endsWith("participants") && call?.participants?.some((one) => one.caller === true) === true,
  },
];

/** Where the calls differ from the truth, but for what CEL rows of these kinds cannot say; "" is as it should be. */
export function differencesBeyond(truth: Truth, calls: AssembledCall[], rows: readonly CallEvent[]): string {
  return explain(truth, calls, rows, CEL_LIMITS, () => true);
}

/** The same for calls of which there are CDR rows only. */
export function differencesBeyondCdr(truth: Truth, calls: AssembledCall[], rows: readonly CallEvent[]): string {
  return explain(truth, calls, rows, CDR_LIMITS, (path) => CDR_TELLS.test(path));
}

function explain(
  truth: Truth,
  calls: AssembledCall[],
  rows: readonly CallEvent[],
  limits: readonly Limit[],
  isTold: (path: string) => boolean,
): string {
  const isLimit = (found: Difference): boolean => {
    const { path } = found;
    const call = truth.calls.find(({ label = "", linkedid }) => `${path}.`.startsWith(`${label || linkedid}.`));
    return limits.some((limit) => limit.applies(path, call, rows, found));
  };
  const differences = compareCalls(truth, calls, { plain: false });
  return explainDifferences(differences.filter((found) => isTold(found.path) && !isLimit(found)));
}
