import type { CallFold } from "../facts/facts.ts";
import { endOf } from "../facts/site.ts";
import type { ProofRange } from "../types.ts";

/** When every channel was over; null while one may still exist, or before the first. */
export function readEnd(fold: CallFold): number | null {
  let end: number | null = null;
  for (const leg of fold.legs.values()) {
    const at = endOf(leg);
    if (at === null) return null;
    end = end === null ? at : Math.max(end, at);
  }
  return end;
}

/** Did the end have to be inferred? Then `ended_before` bounds it from above. */
export function completenessExtras(fold: CallFold): Record<string, unknown> {
  let known: number | null = null;
  for (const leg of fold.legs.values()) {
    if (leg.hangup === null && leg.lost !== null) known = Math.max(known ?? 0, leg.lost.at);
  }
  if (known !== null) return { completeness: "inferred_end", ended_before: known };
  return { completeness: fold.recovered ? "recovered" : "complete" };
}

/**
 * Seqs without which the call could still be told differently: from its first event (from the stream's beginning
 * when the first channel was older than the capture, or the call came over from another stream) to its last.
 */
export function readProof(fold: CallFold, linkedid: string): ProofRange[] {
  const beginSeen = (fold.legs.get(linkedid)?.created ?? null) !== null;
  return fold.spans.map(({ stream, firstSeq, lastSeq }, index) => ({
    stream,
    fromSeq: index === 0 && beginSeen ? firstSeq : 1,
    toSeq: lastSeq,
  }));
}
