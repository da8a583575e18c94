import type { StepType } from "../../../shared/call.ts";
import type { CallFold, Leg, Moment } from "../facts/facts.ts";
import { endMoment, endOf } from "../facts/site.ts";
import type { CallEvent, Step } from "../types.ts";
import { companyFrom } from "./outcome.ts";
import type { Ring } from "./rings.ts";
import type { Shape } from "./shape.ts";
import type { Talk } from "./talk.ts";

interface Draft {
  leg: string;
  type: StepType;
  at: number;
  order: number;
  event: CallEvent;
}

const RANK: Record<StepType, number> = { start: 0, dial: 1, bridge: 2, hangup: 3 };

/** The steps of the call in PBX order: start first, hangup (once the call has ended) last. */
export function readSteps(
  fold: CallFold,
  rings: Ring[],
  talk: Talk,
  shape: Shape,
  start: number,
  end: number | null,
): Step[] {
  const drafts = [...dialSteps(rings), ...bridgeSteps(fold, talk)];
  drafts.sort((a, b) => a.at - b.at || RANK[a.type] - RANK[b.type] || a.order - b.order);
  const first = startMoment(fold, shape);
  const all: Draft[] = first === null ? [] : [{ leg: shape.linkedid, type: "start", ...first, at: start }];
  all.push(...drafts);
  const last = end === null ? null : lastMoment(fold);
  if (end !== null && last !== null) all.push({ leg: shape.linkedid, type: "hangup", ...last, at: end });
  return number(all, start);
}

/** Numbers the steps, and counts the same kind of step of the same leg. None is before the start: two sources may differ by a moment. */
function number(drafts: Draft[], start: number): Step[] {
  const counts = new Map<string, number>();
  return drafts.map(({ leg, type, at, event }, index) => {
    const nth = (counts.get(`${type} ${leg}`) ?? 0) + 1;
    counts.set(`${type} ${leg}`, nth);
    return {
      key: { leg, type, nth },
      sequence: index + 1,
      at: Math.max(at, start),
      origin: event.origin,
      event: event.row ?? event.ev,
    };
  });
}

function startMoment(fold: CallFold, shape: Shape): Moment | null {
  const named = fold.legs.get(shape.linkedid);
  if (named !== undefined) return named.created ?? named.first;
  let first: Moment | null = null;
  for (const leg of fold.legs.values()) if (first === null || leg.first.order < first.order) first = leg.first;
  return first;
}

/** A leg begins to ring. Phones that never got a channel have none to tell of. */
function dialSteps(rings: Ring[]): Draft[] {
  return rings.flatMap((ring) =>
    ring.leg === null
      ? []
      : [{ leg: ring.leg.id, type: "dial" as const, ...ring.start, at: ring.startAt ?? ring.start.at }],
  );
}

function bridgeSteps(fold: CallFold, talk: Talk): Draft[] {
  const met = talk.meetings.map(({ leg, at, order, event }) => ({
    leg: leg.id,
    type: "bridge" as const,
    at,
    order,
    event,
  }));
  const company = companyFrom(fold);
  const conference = fold.conferences[0];
  if (company === null || conference === undefined) return met;
  const { order, event } = conference.joined;
  return [...met, { leg: conference.leg, type: "bridge", at: company, order, event }];
}

/** The end that came last; of several at once, the one told last. */
function lastMoment(fold: CallFold): Moment | null {
  let last: Leg | null = null;
  for (const leg of fold.legs.values()) {
    if (last === null || compareEnds(leg, last) > 0) last = leg;
  }
  return last === null ? null : endMoment(last);
}

function compareEnds(a: Leg, b: Leg): number {
  return (endOf(a) ?? 0) - (endOf(b) ?? 0) || (endMoment(a)?.order ?? 0) - (endMoment(b)?.order ?? 0);
}
