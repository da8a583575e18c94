/** What a phone or trunk does once it talks, in order. Seconds count from the step before. */
export type InCall =
  | { do: "talk"; seconds: number }
  | { do: "digits"; digits: string }
  | { do: "hold" }
  | { do: "resume" }
  | { do: "bye" };

/** One SIP side that answers: a phone, or the far end of a trunk. It serves every call that comes. */
export interface Answering {
  role: "answers";
  /** Extension or trunk. */
  who: string;
  /** It rings this long before it does what `final` says. */
  ringSeconds: number;
  /** `never`: rings until it is cancelled. */
  final: "answer" | "never" | { refuse: number; reason: string } | { forward: string };
  /** Without a `bye` it waits for the other side's. */
  talk: readonly InCall[];
}

/** One SIP side that places calls. */
export interface Placing {
  role: "places";
  who: string;
  /** What it dials: a DID, an extension, an outside number, or a field of `calls`. */
  to: string;
  /** The number it shows; an extension shows its own. */
  number: string;
  name: string;
  /** Gives up when there is no answer this long after the last news. */
  cancelAfterSeconds: number | null;
  talk: readonly InCall[];
  /** Many calls: one line each, `[field0]` .. in `to` and `number`; null: one call. */
  load: { lines: readonly string[]; perSecond: number; atOnceMax: number } | null;
}

export type Leg = Answering | Placing;

export const BYE: InCall = { do: "bye" };

export function talk(seconds: number): InCall {
  return { do: "talk", seconds };
}

/** A phone or far end that answers after some seconds of ringing. */
export function answers(who: string, ringSeconds: number, ...inCall: readonly InCall[]): Answering {
  return { role: "answers", who, ringSeconds, final: "answer", talk: inCall };
}

export function neverAnswers(who: string): Answering {
  return { role: "answers", who, ringSeconds: 0, final: "never", talk: [] };
}

export function refuses(who: string, refuse: number, reason: string, ringSeconds = 0.3): Answering {
  return { role: "answers", who, ringSeconds, final: { refuse, reason }, talk: [] };
}

/** Answers 302: the call is to go to another extension or number. */
export function forwards(who: string, target: string, ringSeconds = 0.3): Answering {
  return { role: "answers", who, ringSeconds, final: { forward: target }, talk: [] };
}

/** A caller who comes in over a trunk. */
export function outside(trunk: string, number: string, to: string, ...inCall: readonly InCall[]): Placing {
  return { role: "places", who: trunk, to, number, name: "Client", cancelAfterSeconds: null, talk: inCall, load: null };
}

/** A phone of the office that dials. */
export function dials(extension: string, to: string, ...inCall: readonly InCall[]): Placing {
  return {
    role: "places",
    who: extension,
    to,
    number: extension,
    name: extension,
    cancelAfterSeconds: null,
    talk: inCall,
    load: null,
  };
}

export function givesUpAfter(seconds: number, placing: Placing): Placing {
  return { ...placing, cancelAfterSeconds: seconds };
}
