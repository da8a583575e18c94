import type { CallFold, Dial, DialAttempt, Leg, Moment } from "../facts/facts.ts";
import { endMoment, endOf } from "../facts/site.ts";
import { internalNumberIn, isInternalNumber } from "../names.ts";
import type { Role } from "./directory.ts";

/** One phone or far end that was rung, or would have been had it existed. */
export interface Ring {
  role: Role;
  /** Null when no channel was ever made. */
  leg: Leg | null;
  dial: Dial | null;
  /** The dialplan run that asked for it, when the dialplan is visible. */
  attempt: DialAttempt | null;
  /** The real channel on whose behalf it rang, through any Local channels. */
  caller: Leg | null;
  /** The extension a forwarding chain speaks for (`Local/FMPR-156@..`), when it shows. */
  via: string | null;
  start: Moment;
  /** When it was asked for: by the run of Dial, or by the first dial of a chain of Local channels. */
  asked: Moment;
  /** Null when the beginning was not seen. */
  startAt: number | null;
  endAt: number | null;
  /** The end's place in the fold: orders what happened at one moment. */
  endOrder: number | null;
  position: number;
  wave: number;
}

export interface Chain {
  /** The real channel that dials. */
  caller: Leg | null;
  /** Its own dial, the first of the chain. */
  top: Dial;
  /** The extension a Local channel's name or the dialplan carries. */
  via: string | null;
}

/** Up through Local channels to the real channel that dials. */
export function climb(fold: CallFold, dial: Dial): Chain {
  let via: string | null = null;
  let top = dial;
  const seen = new Set<string>();
  while (top.caller !== null && !seen.has(top.caller)) {
    seen.add(top.caller);
    const caller = fold.legs.get(top.caller);
    if (caller === undefined || caller.kind !== "local") {
      return { caller: caller ?? null, top, via: via ?? (isInternalNumber(top.exten) ? top.exten : null) };
    }
    via = internalNumberIn(caller.peer) ?? via;
    const one = caller.pair === null ? null : (fold.pairs.get(caller.pair)?.one ?? null);
    const above = one === null ? undefined : fold.dials.get(one);
    if (above === undefined) break;
    top = above;
  }
  return { caller: null, top, via };
}

/** The run of Dial that named this target, and where among its targets; a forwarded call is not among them. */
export function placeInRun(fold: CallFold, dial: Dial, start: Moment): Pick<Ring, "attempt" | "position" | "asked"> {
  const attempt = dial.begin === null ? null : attemptOf(fold, dial, dial.begin);
  const peer = fold.legs.get(dial.dest)?.peer;
  const position = attempt?.targets.findIndex((target) => target.peer === peer) ?? -1;
  if (attempt === null || position < 0) return { attempt: null, position: 0, asked: dial.begin ?? start };
  return { attempt, position, asked: attempt.start };
}

/** A run of Dial that is over rings nobody; the files may have cut a second off its end, and another off its length, ms. */
const OVER_MS = 2_000;

/** The run of Dial in the same channel that was under way when this ring began; in records of whole seconds the next may be of the same moment. */
export function attemptOf(fold: CallFold, dial: Dial, start: Moment): DialAttempt | null {
  const isBefore = ({ at, order }: Moment): boolean => at < start.at || (at === start.at && order <= start.order);
  const last = fold.attempts.findLast((attempt) => attempt.caller === dial.caller && isBefore(attempt.start));
  return last === undefined || (last.end !== null && last.end.at + OVER_MS < start.at) ? null : last;
}

/** When the ringing was over; null while it rings. */
export function ringEnd(dial: Dial | null, leg: Leg): { endAt: number | null; endOrder: number | null } {
  const end = endOf(leg);
  const told = dial?.end ?? null;
  if (told !== null && (end === null || told.at <= end)) return { endAt: told.at, endOrder: told.order };
  return { endAt: end, endOrder: endMoment(leg)?.order ?? null };
}
