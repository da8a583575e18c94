import { did } from "../office.ts";
import type { ExpectedCall, Scenario } from "../scenario.ts";
import { answers, BYE, dials, type InCall, neverAnswers, outside, talk } from "../sip/leg.ts";
import { incoming, internal, talked } from "./expected.ts";

function press(digits: string): InCall {
  return { do: "digits", digits };
}

function transferredTo151(number: string): ExpectedCall {
  return incoming(number, "150", {
    call_status: "answered",
    main_extension: "150",
    main_extension_alt: "151",
    hangup_by: "caller",
    participants: [talked("150", "transferred"), talked("151", "caller_hangup", 2)],
    facts: { talkLoose: true },
  });
}

/** One call handed from person to person. */
export const TRANSFERS: readonly Scenario[] = [
  {
    name: "blind_transfer",
    note: "150 answers, after 2 s sends REFER to 151, who answers; the client hangs up",
    ready: [answers("150", 1), answers("151", 1.5)],
    actions: [
      { at: 0, place: outside("trunk-a", "0504440001", did("150"), talk(8), BYE) },
      { at: 3, refer: { by: "150", kind: "answers", to: "151", replaces: false } },
    ],
    calls: [transferredTo151("0504440001")],
  },
  {
    name: "blind_transfer_dtmf",
    note: "150 answers, dials ##151 (the PBX's own blind transfer), 151 answers the client",
    ready: [answers("150", 1, talk(1.5), press("##"), talk(1), press("151")), answers("151", 1.5)],
    actions: [{ at: 0, place: outside("trunk-a", "0504440003", did("150"), talk(13), BYE) }],
    calls: [transferredTo151("0504440003")],
  },
  {
    name: "attended_transfer_refer",
    note: "150 answers, calls 151 on a second line, talks, then joins client and 151 with REFER and Replaces",
    ready: [answers("150", 1), answers("151", 1)],
    actions: [
      { at: 0, place: outside("trunk-a", "0504440004", did("150"), talk(9), BYE) },
      { at: 2.5, place: dials("150", "151") },
      { at: 5, refer: { by: "150", kind: "answers", to: "151", replaces: true } },
    ],
    calls: [
      transferredTo151("0504440004"),
      internal("150", "151", {
        label: "consult",
        call_status: "answered",
        main_extension: "151",
        hangup_by: "caller",
        merged_into: "in",
        first: { chan: "150", exten: "151" },
      }),
    ],
  },
  {
    name: "semi_attended_transfer",
    note: "150 answers, calls 151 on a second line and joins the client to it with REFER and Replaces while 151 still rings; 151 answers the client",
    ready: [answers("150", 1), answers("151", 3)],
    actions: [
      { at: 0, place: outside("trunk-a", "0504440006", did("150"), talk(9), BYE) },
      { at: 2.5, place: dials("150", "151") },
      { at: 4, refer: { by: "150", kind: "answers", to: "151", replaces: true } },
    ],
    calls: [
      transferredTo151("0504440006"),
      internal("150", "151", {
        label: "consult",
        call_status: "no_answer",
        hangup_by: "caller",
        merged_into: "in",
        first: { chan: "150", exten: "151" },
      }),
    ],
  },
  {
    name: "attended_transfer_dtmf",
    note: "150 answers, dials *2151 (the PBX's own attended transfer), talks to 151, then hangs up: 151 has the client",
    ready: [answers("150", 1, talk(1.5), press("*2"), talk(1), press("151"), talk(4), BYE), answers("151", 1.5)],
    actions: [{ at: 0, place: outside("trunk-a", "0504440007", did("150"), talk(13), BYE) }],
    calls: [transferredTo151("0504440007")],
  },
  {
    name: "attended_transfer_blonde",
    note: "150 answers, dials *2151 (the PBX's own attended transfer) and hangs up while 151 rings; 151 answers the client",
    ready: [answers("150", 1, talk(1.5), press("*2"), talk(1), press("151"), talk(1.5), BYE), answers("151", 4)],
    actions: [{ at: 0, place: outside("trunk-a", "0504440008", did("150"), talk(13), BYE) }],
    calls: [transferredTo151("0504440008")],
  },
  {
    name: "park_retrieve",
    note: "150 answers, parks the client by REFER to 70, 152 dials 71 and has the client",
    ready: [answers("150", 1)],
    actions: [
      { at: 0, place: outside("trunk-a", "0506660003", did("150"), talk(9), BYE) },
      { at: 3, refer: { by: "150", kind: "answers", to: "70", replaces: false } },
      { at: 5.5, place: dials("152", "71") },
    ],
    calls: [
      incoming("0506660003", "150", {
        call_status: "answered",
        main_extension: "150",
        main_extension_alt: "152",
        hangup_by: "caller",
        participants: [talked("150", "parked"), { ...talked("152", "caller_hangup", 2), caller: true }],
        facts: { talkLoose: true, parked: true },
      }),
    ],
  },
  {
    name: "pickup_directed",
    note: "150 rings, 151 dials *8150 and has the client",
    ready: [neverAnswers("150")],
    actions: [
      { at: 0, place: outside("trunk-a", "0506660001", did("150"), talk(3), BYE) },
      { at: 1.6, place: dials("151", "*8150") },
    ],
    calls: [
      incoming("0506660001", "150", {
        call_status: "answered",
        main_extension: "151",
        hangup_by: "caller",
        participants: [
          { extension: "150", status: "no_answer", wave: 1, disconnect_reason: "answered_elsewhere" },
          { ...talked("151", "caller_hangup", 2), caller: true },
        ],
        facts: { picked_up_for: "150" },
      }),
    ],
  },
  {
    name: "group_pickup",
    note: "150 rings, 151 of the same pickup group dials *8 and has the client",
    ready: [neverAnswers("150")],
    actions: [
      { at: 0, place: outside("trunk-a", "0506660007", did("150"), talk(3), BYE) },
      { at: 1.6, place: dials("151", "*8") },
    ],
    calls: [
      incoming("0506660007", "150", {
        call_status: "answered",
        main_extension: "151",
        hangup_by: "caller",
        participants: [
          { extension: "150", status: "no_answer", wave: 1, disconnect_reason: "answered_elsewhere" },
          { ...talked("151", "caller_hangup", 2), caller: true },
        ],
        facts: { picked_up_for: "150" },
      }),
    ],
  },
];
