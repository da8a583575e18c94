import { did } from "../office.ts";
import type { Scenario } from "../scenario.ts";
import { answers, BYE, dials, neverAnswers, outside, talk } from "../sip/leg.ts";
import { incoming, internal, missed, talked } from "./expected.ts";

/** What the PBX does beside connecting people. */
export const SERVICES: readonly Scenario[] = [
  {
    name: "ivr_digit",
    note: "the caller presses 1 in the menu, 150 answers",
    ready: [answers("150", 1)],
    actions: [
      {
        at: 0,
        place: outside("trunk-a", "0505550001", did("700"), talk(1.5), { do: "digits", digits: "1" }, talk(5), BYE),
      },
    ],
    calls: [
      incoming("0505550001", "700", {
        call_status: "answered",
        main_extension: "150",
        hangup_by: "caller",
        participants: [talked("150", "caller_hangup")],
        facts: { ivr: true, ivr_digits: "1" },
      }),
    ],
  },
  {
    name: "ivr_abandoned",
    note: "the caller hears the menu for 2 s and hangs up",
    ready: [],
    actions: [{ at: 0, place: outside("trunk-a", "0505550002", did("700"), talk(2), BYE) }],
    calls: [incoming("0505550002", "700", { call_status: "no_answer", hangup_by: "caller", facts: { ivr: true } })],
  },
  {
    name: "hold_resume",
    note: "150 answers, puts the client on hold for 1.5 s and takes the call back",
    ready: [answers("150", 1, talk(1), { do: "hold" }, talk(1.5), { do: "resume" })],
    actions: [{ at: 0, place: outside("trunk-a", "0505550008", did("150"), talk(4), BYE) }],
    calls: [
      incoming("0505550008", "150", {
        call_status: "answered",
        main_extension: "150",
        hangup_by: "caller",
        participants: [talked("150", "caller_hangup")],
      }),
    ],
  },
  {
    name: "voicemail",
    note: "160 does not answer, the caller leaves a message",
    ready: [neverAnswers("160")],
    actions: [{ at: 0, place: outside("trunk-a", "0505550004", did("160"), talk(4), BYE) }],
    calls: [
      incoming("0505550004", "160", {
        call_status: "no_answer",
        hangup_by: "caller",
        participants: [missed("160", "timeout")],
        facts: { voicemail: true },
      }),
    ],
  },
  {
    name: "recorded_call",
    note: "the client's call is recorded (MixMonitor) and answered by 150",
    ready: [answers("150", 1)],
    actions: [{ at: 0, place: outside("trunk-a", "0505550006", did("900"), talk(3), BYE) }],
    calls: [
      incoming("0505550006", "900", {
        call_status: "answered",
        main_extension: "150",
        hangup_by: "caller",
        participants: [talked("150", "caller_hangup")],
        facts: { recording: true },
      }),
    ],
  },
  {
    name: "click_to_call",
    note: "Originate: 150's phone rings and answers, then 0507770001 is dialled and answers",
    ready: [answers("150", 1), answers("trunk-a", 1, talk(2), BYE)],
    actions: [{ at: 0, originate: { extension: "150", number: "0507770001", timeoutSeconds: 10 } }],
    calls: [
      {
        label: "c2c",
        direction: "outgoing",
        external_number: "0507770001",
        trunk: "trunk-a",
        call_status: "answered",
        main_extension: "150",
        hangup_by: "external",
        first: { chan: "150" },
        participants: [talked("150", "callee_hangup")],
        trunk_legs: [{ trunk: "trunk-a", status: "answered" }],
        facts: { click_to_call: true, caller_extension: "150" },
      },
    ],
  },
  {
    name: "conference",
    note: "a client and 150 meet in conference room 8001",
    ready: [],
    actions: [
      { at: 0, place: outside("trunk-a", "0506660005", did("801"), talk(5), BYE) },
      { at: 1, place: dials("150", "8001", talk(3), BYE) },
    ],
    calls: [
      incoming("0506660005", "801", {
        call_status: "answered",
        hangup_by: "caller",
        facts: { conference: "8001", talkLoose: true },
      }),
      internal("150", "8001", {
        label: "p150",
        call_status: "answered",
        hangup_by: "caller",
        facts: { conference: "8001", talkLoose: true },
      }),
    ],
  },
];
