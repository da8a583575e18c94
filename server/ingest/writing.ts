import type { AssembledCall } from "../assemble/index.ts";
import type { CallRow } from "../store/writeCalls.ts";
import type { Ranges } from "./ranges.ts";
import type { Retold } from "./retell.ts";
import type { Standing } from "./rows.ts";

/** A call that exists, on its way into the tables. */
export interface Writing {
  retold: Retold;
  call: AssembledCall;
  standing: Standing;
  /** What was missed of it is being read from Asterisk's own files: the end of that makes it be looked at again. */
  repaired: boolean;
  row: CallRow;
  signature: string;
  /** Known once the row is written. */
  id: number;
  uniqueId: string;
  revision: number;
}

export interface WriteContext {
  receivedAt: number;
  /** Seqs of a stream that are received or will never come. */
  settled: (stream: number) => Ranges;
  /** Highest seq a stream is known to have. */
  highestSeq?: (stream: number) => number;
  /** Whether what was missed of a call is still being read from Asterisk's own files. */
  isBeingRepaired?: (siteId: number, call: AssembledCall, hasRows: boolean) => boolean;
  /** Whether these events had been acked before the database was put back to an older copy. */
  wasAcked?: (proof: AssembledCall["proof"]) => boolean;
  /** Whether whoever wants to know of the call was told before that. */
  isToldBefore?: (siteId: number, call: AssembledCall) => boolean;
}
