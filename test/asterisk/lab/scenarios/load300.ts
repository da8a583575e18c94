import { did } from "../office.ts";
import type { ExpectedCall, Scenario } from "../scenario.ts";
import { answers, BYE, dials, neverAnswers, outside, type Placing, refuses, talk } from "../sip/leg.ts";
import { incoming, internal, missed, outgoing, talked, wasBusy } from "./expected.ts";

const INCOMING = 210;
const OUTGOING = 60;
const INTERNAL = 30;
/** Longer than any call of the load lasts, so that no SIPp ever holds one back. */
const AT_ONCE_MAX = 400;

type Outcome = Pick<ExpectedCall, "call_status" | "main_extension" | "hangup_by" | "participants"> & {
  target: string;
  call_status_alt?: "failed";
};

/** The result of each incoming call is fixed by its number: it goes round these seven. */
const OUTCOMES: readonly Outcome[] = [
  answered("150"),
  answered("151"),
  answered("155"),
  { ...nobody("152", "busy"), participants: [wasBusy("152")] },
  { ...nobody("153", "busy"), participants: [wasBusy("153", "declined")] },
  { ...nobody("154", "no_answer"), participants: [missed("154", "timeout")] },
  { ...nobody("163", "no_answer"), call_status_alt: "failed", participants: [missed("163", "unavailable")] },
];

/** What must be stored, by type and status. */
export const LOAD_COUNTS: Readonly<Record<string, number>> = {
  "incoming answered": 90,
  "incoming busy": 60,
  "incoming no_answer": 60,
  "outgoing answered": 60,
  "internal answered": 30,
};

/** 300 calls, 10 begin each second: 7 from outside, 2 to the outside, 1 inside. */
export function load300(): Scenario {
  const numbers = Array.from({ length: INCOMING }, (_, index) => `09300${String(10_000 + index)}`);
  const outside = Array.from({ length: OUTGOING }, (_, index) => `06700${String(20_000 + index)}`);
  const inside = Array.from({ length: INTERNAL }, () => "156");
  return {
    name: "load300",
    note: "300 calls at 10 a second; the result of each is fixed by its number",
    ready: [
      ...["150", "151", "155", "156"].map((extension) => answers(extension, 1)),
      refuses("152", 486, "Busy Here"),
      refuses("153", 603, "Decline"),
      neverAnswers("154"),
      answers("trunk-a", 1),
    ],
    actions: [
      { at: 0, place: fromOutside(numbers) },
      { at: 0, place: many(dials("157", "[field0]", talk(2), BYE), outside, 2) },
      { at: 0, place: many(dials("161", "[field0]", talk(2), BYE), inside, 1) },
    ],
    calls: [
      ...numbers.map((number, index) => incomingCall(number, outcomeOf(index))),
      ...outside.map(outgoingCall),
      ...inside.map((extension, index) => internalCall(extension, index)),
    ],
  };
}

function answered(target: string): Outcome {
  const participants = [talked(target, "caller_hangup")];
  return { target, call_status: "answered", main_extension: target, hangup_by: "caller", participants };
}

function nobody(target: string, call_status: "busy" | "no_answer"): Omit<Outcome, "participants"> {
  return { target, call_status, main_extension: null, hangup_by: "pbx" };
}

function outcomeOf(index: number): Outcome {
  return OUTCOMES[index % OUTCOMES.length] ?? answered("150");
}

function fromOutside(numbers: readonly string[]): Placing {
  const lines = numbers.map((number, index) => `${number};${did(outcomeOf(index).target)};`);
  const placing = outside("trunk-a", "[field0]", "[field1]", talk(2), BYE);
  return { ...placing, load: { lines, perSecond: 7, atOnceMax: AT_ONCE_MAX } };
}

function many(placing: Placing, dialled: readonly string[], perSecond: number): Placing {
  return { ...placing, load: { lines: dialled.map((number) => `${number};`), perSecond, atOnceMax: AT_ONCE_MAX } };
}

function incomingCall(number: string, { target, ...outcome }: Outcome): ExpectedCall {
  return incoming(number, target, { ...outcome, label: number });
}

function outgoingCall(number: string): ExpectedCall {
  const legs = [{ trunk: "trunk-a", status: "answered" as const }];
  return outgoing("157", number, legs, { label: number, call_status: "answered", hangup_by: "caller" });
}

function internalCall(extension: string, index: number): ExpectedCall {
  const { target, ...outcome } = answered(extension);
  return internal("161", target, { ...outcome, label: `internal ${index}` });
}
