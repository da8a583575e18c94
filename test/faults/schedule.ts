import type { Fault } from "./catalogue/fault.ts";
import type { Random } from "./random.ts";

/** One step of a run: a calm, then one fault or two at once. */
export interface Step {
  calmMs: number;
  faults: { fault: Fault; holdMs: number }[];
}

export interface Pace {
  calmMsMax: number;
  holdMsMin: number;
  holdMsMax: number;
  /** How often a second fault, one that touches other parts, happens at the same time. */
  together: number;
}

export const PACES = {
  quick: { calmMsMax: 800, holdMsMin: 500, holdMsMax: 2_000, together: 0.4 },
  long: { calmMsMax: 10_000, holdMsMin: 1_000, holdMsMax: 60_000, together: 0.3 },
} as const satisfies Record<string, Pace>;

/** Without end: every fault once in some order, then again in another. The same seed gives the same steps. */
export function* schedule(faults: readonly Fault[], random: Random, pace: Pace): Generator<Step> {
  let deck: Fault[] = [];
  for (;;) {
    if (deck.length === 0) deck = shuffled(faults, random);
    const first = deck.shift()!;
    const chosen = [first];
    if (random.chance(pace.together)) {
      const partner = deck.findIndex((other) => other.touches.every((part) => !first.touches.includes(part)));
      if (partner >= 0) chosen.push(...deck.splice(partner, 1));
    }
    const holdMs = (): number => random.between(pace.holdMsMin, pace.holdMsMax);
    yield {
      calmMs: random.int(pace.calmMsMax),
      faults: chosen.map((fault) => ({ fault, holdMs: holdMs() })),
    };
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const deck = [...items];
  for (let i = deck.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [deck[i], deck[j]] = [deck[j]!, deck[i]!];
  }
  return deck;
}
