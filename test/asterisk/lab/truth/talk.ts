import type { ExpectedCall, ExpectedParticipant, ExpectedTrunkLeg } from "../scenario.ts";
import { hangupOf, type Matched } from "./sides.ts";

type Interval = [from: number, to: number];

/**
 * Seconds in which the external party (internal: the caller) talked with somebody of the office, by the SIP wire:
 * the called phones' talking time for incoming and internal calls, the far end's for outgoing ones; overlaps count once.
 */
export function talkSeconds(
  call: ExpectedCall,
  people: readonly { person: ExpectedParticipant; side: Matched }[],
  trunks: readonly { leg: ExpectedTrunkLeg; side: Matched }[],
): number {
  const sides = call.direction === "outgoing" ? trunks.map(({ side }) => side) : people.map(({ side }) => side);
  return Math.round(union(sides.flatMap(talking)) * 10) / 10;
}

function talking({ leg, channel }: Matched): Interval[] {
  if (leg?.answer === undefined) return [];
  const { at } = hangupOf(leg, channel);
  return at === null ? [] : [[leg.answer, at]];
}

function union(intervals: readonly Interval[]): number {
  let total = 0;
  let reached = -Infinity;
  for (const [from, to] of [...intervals].sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return total;
}
