import { did } from "../lab/office.ts";
import type { Action, Scenario } from "../lab/scenario.ts";
import { incoming, internal, missed, outgoing, talked } from "../lab/scenarios/expected.ts";
import { answers, BYE, dials, neverAnswers, outside, talk } from "../lab/sip/leg.ts";

/** What is done while calls of all kinds run. */
export interface Disturbances {
  cut(): Promise<void>;
  /** kill -9 and a new process. */
  crash(): Promise<void>;
  mend(): Promise<void>;
}

const LONG = talk(30);
const cutOff = { hangup_by: "pbx crash", facts: { talkLoose: true } } as const;

/** Asterisk dies while calls talk, ring, wait in a queue and listen to a menu; AMI of some agents was cut before that. */
export function killedInMidCall({ cut, crash, mend }: Disturbances): Scenario {
  const actions: Action[] = [
    { at: 0, place: outside("trunk-a", "0507000001", did("155"), talk(1), BYE) },
    { at: 0.2, place: outside("trunk-a", "0507000002", did("150"), LONG) },
    { at: 0.4, place: outside("trunk-a", "0507000003", did("700"), LONG) },
    { at: 0.6, place: outside("trunk-a", "0507000004", did("500"), LONG) },
    { at: 0.8, place: dials("153", "0671230001", LONG) },
    { at: 1, place: dials("161", "154", LONG) },
    { at: 1.8, place: outside("trunk-a", "0507000005", did("151")) },
    { at: 2, place: outside("trunk-a", "0507000006", did("152"), LONG) },
    { at: 3, run: cut },
    { at: 3.3, place: outside("trunk-a", "0507000007", did("159"), LONG) },
    { at: 5.5, run: crash },
    { at: 6, run: mend },
    { at: 6.5, place: outside("trunk-a", "0507000008", did("155"), talk(2), BYE) },
  ];
  return {
    name: "asterisk_killed",
    note: "kill -9 while calls of all kinds run, a new process, and one more call",
    ready: [
      ...["150", "154", "155", "159"].map((extension) => answers(extension, 1)),
      answers("152", 2.5),
      answers("trunk-a", 1),
      ...["151", "156", "157", "158"].map(neverAnswers),
    ],
    actions,
    calls: [
      whole("ended before", "0507000001"),
      talking("talking", "0507000002", "150"),
      incoming("0507000003", "700", { ...cutOff, label: "in the menu", call_status: "no_answer" }),
      incoming("0507000004", "500", {
        hangup_by: "pbx crash",
        label: "in the queue",
        call_status: "no_answer",
        participants: ["156", "157", "158"].map((extension) => missed(extension, "lost")),
        facts: { queue: "500" },
      }),
      outgoing("153", "0671230001", [{ trunk: "trunk-a", status: "answered" }], {
        ...cutOff,
        label: "going out",
        call_status: "answered",
      }),
      internal("161", "154", {
        ...cutOff,
        label: "inside",
        call_status: "answered",
        main_extension: "154",
        participants: [talked("154", "lost")],
      }),
      incoming("0507000005", "151", {
        ...cutOff,
        label: "ringing",
        call_status: "no_answer",
        participants: [missed("151", "lost")],
      }),
      talking("answered after the cut", "0507000006", "152"),
      talking("begun after the cut", "0507000007", "159"),
      whole("after the start", "0507000008"),
    ],
  };
}

function talking(label: string, number: string, extension: string): Scenario["calls"][number] {
  return incoming(number, extension, {
    ...cutOff,
    label,
    call_status: "answered",
    main_extension: extension,
    participants: [talked(extension, "lost")],
  });
}

function whole(label: string, number: string): Scenario["calls"][number] {
  return incoming(number, "155", {
    label,
    call_status: "answered",
    main_extension: "155",
    hangup_by: "caller",
    participants: [talked("155", "caller_hangup")],
  });
}
