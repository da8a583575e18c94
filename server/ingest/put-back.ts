import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import type { AssembledCall } from "../assemble/index.ts";
import { notePutBack } from "../store/putBack.ts";
import type { ReadTime } from "../store/repairing.ts";
import type { Sorted, StreamView } from "./fresh.ts";
import { covers, formatMultirange, subtract, unite, type Ranges } from "./ranges.ts";
import { dependsOnRows, wasRead } from "./repairs.ts";
import type { Batch } from "./types.ts";

/** What an agent was ever acked of a stream, and this database lacks. */
export interface Lost {
  siteId: number;
  streamId: number;
  acked: Ranges;
  missing: Ranges;
}

/** The database was put back to an older copy: noted first, then the transaction is repeated. */
export class PutBack extends Error {
  readonly lost: Lost;

  constructor(lost: Lost) {
    super("the database lacks what it had acked");
    this.lost = lost;
  }
}

/** @throws PutBack when an agent was acked what is neither here nor noted as acked before. */
export function refusePutBack(batches: readonly Batch[], { streams }: Sorted): void {
  for (const { streamId, report } of batches) {
    const view = streams.get(streamId);
    if (view === undefined || report.acked.length === 0) continue;
    const missing = lostOf(report.acked, view);
    if (missing.length > 0) throw new PutBack({ siteId: view.siteId, streamId, acked: report.acked, missing });
  }
}

type Known = Pick<StreamView, "received" | "filled" | "ackedBefore">;

export function lostOf(acked: Ranges, { received, filled, ackedBefore }: Known): Ranges {
  return subtract(acked, unite(unite(received, filled), ackedBefore));
}

type Acked = ReadonlyMap<number, Pick<StreamView, "ackedBefore" | "filled">>;

/**
 * Whether all of a call had been acked before the database was put back: then whoever wanted to know was told. What of it
 * was read from Asterisk's own files had been read then.
 */
export function isToldBefore(call: AssembledCall, streams: Acked, times: readonly ReadTime[]): boolean {
  if (call.proof.length > 0 && !wasAcked(call.proof, streams)) return false;
  return !dependsOnRows(call) || wasRead(call, times);
}

/** Whether all of these events had been acked before the database was put back. */
export function wasAcked(proof: AssembledCall["proof"], streams: Acked): boolean {
  const isAcked = ({ stream, fromSeq, toSeq }: (typeof proof)[number]): boolean => {
    const view = streams.get(stream);
    if (view === undefined || view.ackedBefore.length === 0) return false;
    return covers(unite(view.ackedBefore, view.filled), fromSeq, toSeq);
  };
  return proof.length > 0 && proof.every(isAcked);
}

/** Notes it once, whichever server finds it first. */
export async function settlePutBack(pool: Pool, log: Pick<Logger, "warn">, lost: Lost): Promise<void> {
  const { siteId, streamId, acked, missing } = lost;
  const given = await notePutBack(pool, { siteId, streamId, acked: formatMultirange(acked) });
  if (given === undefined) return;
  const events = missing.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  log.warn(
    { site: siteId, stream: streamId, events, deliveriesGivenUp: given },
    "the database was put back to an older copy: the agent sends again what is missing, and nobody is told a second time",
  );
}
