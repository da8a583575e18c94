import { did } from "../office.ts";
import type { Scenario } from "../scenario.ts";
import { answers, BYE, forwards, givesUpAfter, neverAnswers, outside, refuses, talk } from "../sip/leg.ts";
import { incoming, missed, talked, wasBusy } from "./expected.ts";

/** Several phones for one call: ring groups, hunt lists, queues, forwarding. */
export const GROUPS: readonly Scenario[] = [
  {
    name: "ring_group_answered",
    note: "group 600 rings 150, 151, 152; 151 answers",
    ready: [neverAnswers("150"), answers("151", 1.5), neverAnswers("152")],
    actions: [{ at: 0, place: outside("trunk-a", "0502220001", did("600"), talk(2), BYE) }],
    calls: [
      incoming("0502220001", "600", {
        call_status: "answered",
        main_extension: "151",
        hangup_by: "caller",
        participants: [
          missed("150", "answered_elsewhere"),
          talked("151", "caller_hangup"),
          missed("152", "answered_elsewhere"),
        ],
      }),
    ],
  },
  {
    name: "ring_group_abandoned",
    note: "group 600: 152 is busy, the caller gives up while 150 and 151 ring",
    ready: [neverAnswers("150"), neverAnswers("151"), refuses("152", 486, "Busy Here")],
    actions: [{ at: 0, place: givesUpAfter(3, outside("trunk-a", "0502220003", did("600"))) }],
    calls: [
      incoming("0502220003", "600", {
        call_status: "no_answer",
        hangup_by: "caller",
        participants: [missed("150", "caller_hangup"), missed("151", "caller_hangup"), wasBusy("152")],
      }),
    ],
  },
  {
    name: "incoming_unregistered_group",
    note: "group 602 names 150 and 163; 163 never registered; 150 answers",
    ready: [answers("150", 1.5)],
    actions: [{ at: 0, place: outside("trunk-a", "0502220005", did("602"), talk(2), BYE) }],
    calls: [
      incoming("0502220005", "602", {
        call_status: "answered",
        main_extension: "150",
        hangup_by: "caller",
        participants: [talked("150", "caller_hangup"), missed("163", "unavailable")],
      }),
    ],
  },
  {
    name: "local_group_answered",
    note: "group 603 rings 153 and 154 through Local channels; 154 answers",
    ready: [neverAnswers("153"), answers("154", 1.5)],
    actions: [{ at: 0, place: outside("trunk-a", "0502220007", did("603"), talk(2), BYE) }],
    calls: [
      incoming("0502220007", "603", {
        call_status: "answered",
        main_extension: "154",
        hangup_by: "caller",
        participants: [missed("153", "answered_elsewhere"), talked("154", "caller_hangup")],
      }),
    ],
  },
  {
    name: "hunt_third_answers",
    note: "hunt list 601: 153 does not answer, 154 is busy, 155 answers",
    ready: [neverAnswers("153"), refuses("154", 486, "Busy Here"), answers("155", 1)],
    actions: [{ at: 0, place: outside("trunk-a", "0502220011", did("601"), talk(2), BYE) }],
    calls: [
      incoming("0502220011", "601", {
        call_status: "answered",
        main_extension: "155",
        hangup_by: "caller",
        participants: [missed("153", "timeout", 1), wasBusy("154", "busy", 2), talked("155", "caller_hangup", 3)],
      }),
    ],
  },
  {
    name: "forward_302",
    note: "150's phone forwards to 152 (302 Moved Temporarily), 152 answers",
    ready: [forwards("150", "152"), answers("152", 1)],
    actions: [{ at: 0, place: outside("trunk-a", "0502220021", did("150"), talk(2), BYE) }],
    calls: [
      incoming("0502220021", "150", {
        call_status: "answered",
        main_extension: "152",
        hangup_by: "caller",
        participants: [missed("150", "forwarded", 1), talked("152", "caller_hangup", 2)],
      }),
    ],
  },
  {
    name: "followme_internal_answers",
    note: "follow-me of 156: the desk phone answers",
    ready: [answers("156", 1)],
    actions: [{ at: 0, place: outside("trunk-a", "0502220031", did("800"), talk(2), BYE) }],
    calls: [
      incoming("0502220031", "800", {
        call_status: "answered",
        main_extension: "156",
        hangup_by: "caller",
        participants: [talked("156", "caller_hangup")],
      }),
    ],
  },
  {
    name: "queue_ringall_answered",
    note: "queue 500 rings 156, 157, 158 at once; 157 answers",
    ready: [neverAnswers("156"), answers("157", 1.5), neverAnswers("158")],
    actions: [{ at: 0, place: outside("trunk-a", "0503330001", did("500"), talk(4), BYE) }],
    calls: [
      incoming("0503330001", "500", {
        call_status: "answered",
        main_extension: "157",
        hangup_by: "caller",
        participants: [
          missed("156", "answered_elsewhere"),
          talked("157", "caller_hangup"),
          missed("158", "answered_elsewhere"),
        ],
        facts: { queue: "500" },
      }),
    ],
  },
  {
    name: "queue_abandoned",
    note: "queue 500 rings 156, 157, 158; the caller hangs up before anybody answers",
    ready: [neverAnswers("156"), neverAnswers("157"), neverAnswers("158")],
    actions: [{ at: 0, place: outside("trunk-a", "0503330005", did("500"), talk(3), BYE) }],
    calls: [
      incoming("0503330005", "500", {
        call_status: "no_answer",
        hangup_by: "caller",
        participants: ["156", "157", "158"].map((extension) => missed(extension, "caller_hangup")),
        facts: { queue: "500" },
      }),
    ],
  },
  {
    name: "queue_rrmemory",
    note: "queue 501 tries 157 (no answer), then 158 (busy), then 159, who answers",
    ready: [neverAnswers("157"), refuses("158", 486, "Busy Here"), answers("159", 1)],
    actions: [{ at: 0, place: outside("trunk-a", "0503330003", did("501"), talk(10), BYE) }],
    calls: [
      incoming("0503330003", "501", {
        call_status: "answered",
        main_extension: "159",
        hangup_by: "caller",
        participants: [missed("157", "timeout", 1), wasBusy("158", "busy", 2), talked("159", "caller_hangup", 3)],
        facts: { queue: "501" },
      }),
    ],
  },
];
