import { did } from "../office.ts";
import type { Scenario } from "../scenario.ts";
import { answers, BYE, dials, givesUpAfter, neverAnswers, outside, refuses, talk } from "../sip/leg.ts";
import { incoming, internal, missed, outgoing, talked, wasBusy } from "./expected.ts";

const IN = "0501112233";
const OUT = "0671234567";

/** The plain calls: one caller, one callee, every way it can end. */
export const PLAIN: readonly Scenario[] = [
  {
    name: "incoming_answered",
    note: "a client calls, 150 answers after a second, the client hangs up",
    ready: [answers("150", 1)],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("150"), talk(2), BYE) }],
    calls: [
      incoming(IN, "150", {
        call_status: "answered",
        main_extension: "150",
        hangup_by: "caller",
        participants: [talked("150", "caller_hangup")],
      }),
    ],
  },
  {
    name: "incoming_answered_callee_hangs",
    note: "a client calls, 150 answers and hangs up first",
    ready: [answers("150", 1, talk(2), BYE)],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("150")) }],
    calls: [
      incoming(IN, "150", {
        call_status: "answered",
        main_extension: "150",
        hangup_by: "callee",
        participants: [talked("150", "callee_hangup")],
      }),
    ],
  },
  {
    name: "incoming_no_answer",
    note: "150 rings 6 s, nobody answers",
    ready: [neverAnswers("150")],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("150")) }],
    calls: [
      incoming(IN, "150", { call_status: "no_answer", hangup_by: "pbx", participants: [missed("150", "timeout")] }),
    ],
  },
  {
    name: "incoming_busy",
    note: "150 says 486 Busy Here",
    ready: [refuses("150", 486, "Busy Here")],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("150")) }],
    calls: [incoming(IN, "150", { call_status: "busy", hangup_by: "pbx", participants: [wasBusy("150")] })],
  },
  {
    name: "incoming_declined",
    note: "150 says 603 Decline",
    ready: [refuses("150", 603, "Decline")],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("150")) }],
    calls: [incoming(IN, "150", { call_status: "busy", hangup_by: "pbx", participants: [wasBusy("150", "declined")] })],
  },
  {
    name: "incoming_abandoned",
    note: "the client gives up while 150 rings",
    ready: [neverAnswers("150")],
    actions: [{ at: 0, place: givesUpAfter(2, outside("trunk-a", IN, did("150"))) }],
    calls: [
      incoming(IN, "150", {
        call_status: "no_answer",
        hangup_by: "caller",
        participants: [missed("150", "caller_hangup")],
      }),
    ],
  },
  {
    name: "incoming_unregistered",
    note: "the phone 163 never registered: no channel is ever made for it",
    ready: [],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("163")) }],
    calls: [
      incoming(IN, "163", {
        call_status: "no_answer",
        call_status_alt: "failed",
        hangup_by: "pbx",
        participants: [missed("163", "unavailable")],
      }),
    ],
  },
  {
    name: "incoming_dnd_phone",
    note: "150 has do not disturb on its phone: 480 at once",
    ready: [refuses("150", 480, "Do Not Disturb", 0.1)],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("150")) }],
    calls: [
      incoming(IN, "150", { call_status: "no_answer", hangup_by: "pbx", participants: [missed("150", "unavailable")] }),
    ],
  },
  {
    name: "incoming_unknown_did",
    note: "a number nobody of the office has",
    ready: [],
    actions: [{ at: 0, place: outside("trunk-a", IN, did("999")) }],
    calls: [
      incoming(IN, "999", { call_status: "failed", call_status_alt: "no_answer", hangup_by: "pbx", participants: [] }),
    ],
  },
  {
    name: "outgoing_answered",
    note: "151 calls outside, the far end answers after 2 s, 151 hangs up",
    ready: [answers("trunk-a", 2)],
    actions: [{ at: 0, place: dials("151", OUT, talk(2), BYE) }],
    calls: [
      outgoing("151", OUT, [{ trunk: "trunk-a", status: "answered" }], {
        call_status: "answered",
        hangup_by: "caller",
      }),
    ],
  },
  {
    name: "outgoing_busy",
    note: "151 calls outside, the far end is busy",
    ready: [refuses("trunk-a", 486, "Busy Here", 0.5)],
    actions: [{ at: 0, place: dials("151", OUT) }],
    calls: [outgoing("151", OUT, [{ trunk: "trunk-a", status: "busy" }], { call_status: "busy", hangup_by: "pbx" })],
  },
  {
    name: "outgoing_cancelled",
    note: "151 calls outside and gives up while it rings",
    ready: [neverAnswers("trunk-a")],
    actions: [{ at: 0, place: givesUpAfter(2, dials("151", OUT)) }],
    calls: [
      outgoing("151", OUT, [{ trunk: "trunk-a", status: "no_answer" }], {
        call_status: "no_answer",
        hangup_by: "caller",
      }),
    ],
  },
  {
    name: "outgoing_failed",
    note: "both trunks answer 503",
    ready: [refuses("trunk-a", 503, "Service Unavailable"), refuses("trunk-b", 503, "Service Unavailable")],
    actions: [{ at: 0, place: dials("151", OUT) }],
    calls: [
      outgoing(
        "151",
        OUT,
        [
          { trunk: "trunk-a", status: "failed" },
          { trunk: "trunk-b", status: "failed" },
        ],
        { call_status: "failed", hangup_by: "pbx", facts: { trunks_tried: ["trunk-a", "trunk-b"] } },
      ),
    ],
  },
  {
    name: "trunk_failover",
    note: "trunk-a answers 503, the call goes out over trunk-b and is answered",
    ready: [refuses("trunk-a", 503, "Service Unavailable"), answers("trunk-b", 1)],
    actions: [{ at: 0, place: dials("152", OUT, talk(2), BYE) }],
    calls: [
      outgoing(
        "152",
        OUT,
        [
          { trunk: "trunk-a", status: "failed" },
          { trunk: "trunk-b", status: "answered" },
        ],
        { call_status: "answered", hangup_by: "caller", facts: { trunks_tried: ["trunk-a", "trunk-b"] } },
      ),
    ],
  },
  {
    name: "internal_answered",
    note: "152 calls 151, who answers and hangs up",
    ready: [answers("151", 1, talk(2), BYE)],
    actions: [{ at: 0, place: dials("152", "151") }],
    calls: [
      internal("152", "151", {
        call_status: "answered",
        main_extension: "151",
        hangup_by: "callee",
        participants: [talked("151", "callee_hangup")],
      }),
    ],
  },
  {
    name: "internal_busy",
    note: "152 calls 151, who is busy",
    ready: [refuses("151", 486, "Busy Here")],
    actions: [{ at: 0, place: dials("152", "151") }],
    calls: [internal("152", "151", { call_status: "busy", hangup_by: "pbx", participants: [wasBusy("151")] })],
  },
];
