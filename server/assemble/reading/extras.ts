import type { CallFold, Leg, Park, Transfer } from "../facts/facts.ts";
import { isNumber, knownText, unescapeName } from "../names.ts";
import { guessReport, roleOf, type Roles } from "./directory.ts";
import { readLastExtension } from "./outcome.ts";
import type { Party } from "./participants.ts";
import type { Ring } from "./rings.ts";
import type { Shape } from "./shape.ts";
import { unionMs, type Talk } from "./talk.ts";

type Extra = Record<string, unknown>;

/** A parking lot's number dialled by a transfer is a parking, not a transfer. */
const PARK_FOLLOWS_MS = 2_000;

/** Everything known about the call that has no column of its own. Absent means nothing of the kind was seen. */
export function readExtras(
  fold: CallFold,
  roles: Roles,
  rings: Ring[],
  parties: Party[],
  talk: Talk,
  shape: Shape,
  until: number,
): Extra {
  return {
    ...callerExtras(shape),
    ...serviceExtras(fold, talk, shape),
    ...movementExtras(fold, roles, talk),
    ...farEndExtras(rings, talk, shape),
    ...timeExtras(fold, parties, until),
    ...startExtras(fold, shape),
    ...directoryExtras(roles),
  };
}

function callerExtras(shape: Shape): Extra {
  const { first } = shape;
  if (shape.originated) return { click_to_call: true };
  if (first === null || shape.callType !== "incoming") return {};
  const did = isDid(first.exten) ? first.exten : first.dnid;
  const name = knownText(first.callerName ?? undefined);
  const hidden = !isNumber(first.callerNumber);
  return {
    ...(did === null ? {} : { did }),
    ...(name === null ? {} : { caller_name: unescapeName(name) }),
    ...(hidden ? { caller_hidden: true } : {}),
  };
}

function isDid(exten: string | null): exten is string {
  return exten !== null && exten !== "s" && exten !== "h";
}

function serviceExtras(fold: CallFold, talk: Talk, shape: Shape): Extra {
  const queue = fold.queues[0]?.queue ?? [...fold.agents.values()][0]?.queue ?? null;
  const menu = menuOf(fold, talk, shape);
  const { voicemail } = fold;
  return {
    ...(queue === null ? {} : { queue }),
    ...(fold.queues.length > 1 ? { queues: fold.queues.map((visit) => visit.queue) } : {}),
    ...(menu === null ? {} : { ivr: menu }),
    ...(voicemail === null ? {} : { voicemail: { mailbox: voicemail.mailbox, status: voicemail.status } }),
    ...(fold.recordings.length === 0
      ? {}
      : { recording: fold.recordings.length === 1 ? fold.recordings[0] : fold.recordings }),
    ...(fold.conferences.length === 0 ? {} : { conference: fold.conferences[0]?.name }),
  };
}

/** Digits the caller pressed before anybody talked with them, and not into a voicemail box. */
function menuOf(fold: CallFold, talk: Talk, shape: Shape): Extra | null {
  const { first } = shape;
  if (first === null || shape.originated) return null;
  const talkedFrom = talk.spans.get(first.id)?.from.at ?? Infinity;
  const until = Math.min(talkedFrom, fold.voicemail?.from ?? Infinity, fold.conferences[0]?.joined.at ?? Infinity);
  const digits = first.digits
    .filter(({ at }) => at < until)
    .map(({ digit }) => digit)
    .join("");
  if (digits === "" && fold.menus.length === 0) return null;
  return digits === "" ? {} : { digits };
}

function movementExtras(fold: CallFold, roles: Roles, talk: Talk): Extra {
  const transfers = fold.transfers.filter((transfer) => !isParking(fold, transfer));
  const pickup = fold.pickups[0];
  return {
    ...(transfers.length === 0
      ? {}
      : { transfers: transfers.map((transfer) => describeTransfer(fold, roles, talk, transfer)) }),
    ...(pickup === undefined
      ? {}
      : { pickup: { by: nameOf(roles, pickup.picker), for: nameOf(roles, pickup.target) } }),
    ...(fold.parks.length === 0 ? {} : { parking: fold.parks.map((park) => describePark(roles, park)) }),
  };
}

function isParking(fold: CallFold, transfer: Transfer): boolean {
  return fold.parks.some(
    (park) => park.parkee === transfer.transferee && Math.abs(park.from.at - transfer.moment.at) <= PARK_FOLLOWS_MS,
  );
}

function describeTransfer(fold: CallFold, roles: Roles, talk: Talk, transfer: Transfer): Extra {
  const target = roleOf(roles, transfer.target);
  const dialled = isNumber(transfer.exten) ? transfer.exten : null;
  const to = target.is === "extension" ? target.number : (dialled ?? nameOf(roles, transfer.target));
  const by = nameOf(roles, transfer.by[0] ?? null);
  return { kind: transfer.kind, by, to: to ?? nameOf(roles, consulted(fold, talk, transfer)), at: transfer.moment.at };
}

/** Whom the transferer talked with last before the transfer, or else rang last: the transferee aside. */
function consulted(fold: CallFold, talk: Talk, transfer: Transfer): string | null {
  const outsiders = new Set([transfer.transferee, ...transfer.by]);
  const before = talk.conversations.filter(
    ({ legs, from }) => from.at <= transfer.moment.at && legs.some((leg) => transfer.by.includes(leg.id)),
  );
  const parties = before.flatMap(({ legs }) => legs).filter((leg) => !outsiders.has(leg.id));
  const rung = [...fold.dials.values()].filter(
    (dial) =>
      !outsiders.has(dial.dest) && (dial.begin?.at ?? Infinity) <= transfer.moment.at && isReal(fold, dial.dest),
  );
  return parties.at(-1)?.id ?? rung.at(-1)?.dest ?? null;
}

function isReal(fold: CallFold, leg: string): boolean {
  return fold.legs.get(leg)?.kind === "real";
}

function describePark(roles: Roles, park: Park): Extra {
  return {
    space: park.space,
    outcome: park.outcome,
    seconds: park.to === null ? null : Math.round((park.to.at - park.from.at) / 1000),
    ...(park.retriever === null ? {} : { retrieved_by: nameOf(roles, park.retriever) }),
  };
}

function nameOf(roles: Roles, leg: string | null): string | null {
  const role = roleOf(roles, leg);
  return role.is === "extension" ? role.number : role.is === "trunk" ? role.peer : null;
}

function farEndExtras(rings: Ring[], talk: Talk, shape: Shape): Extra {
  const trunks = rings.filter((ring) => ring.role.is === "trunk");
  if (shape.callType === "outgoing") {
    const tried = trunks.map((ring) => (ring.role.is === "trunk" ? ring.role.peer : ""));
    return tried.length > 1 ? { trunks_tried: tried } : {};
  }
  if (trunks.length === 0) return {};
  const outside = trunks.map((ring) => ({
    trunk: ring.role.is === "trunk" ? ring.role.peer : null,
    dialled: ring.dial?.dialString?.split("@")[0] ?? null,
    ...(ring.via === null ? {} : { for: ring.via }),
    answered: ring.leg !== null && talk.spans.has(ring.leg.id),
  }));
  return { outside_legs: outside };
}

function timeExtras(fold: CallFold, parties: Party[], until: number): Extra {
  const last = readLastExtension(parties);
  let heldMs = 0;
  for (const leg of fold.legs.values()) heldMs += leg.heldMs + openHold(leg, until);
  return {
    ...(last === null ? {} : { last_extension: last }),
    ...(heldMs === 0 ? {} : { hold_seconds: Math.round(heldMs / 1000) }),
  };
}

function openHold(leg: Leg, until: number): number {
  return leg.holdFrom === null ? 0 : Math.max(0, until - leg.holdFrom);
}

/** The beginning was not seen: the start is what the snapshot or the channel's id says. */
function startExtras(fold: CallFold, shape: Shape): Extra {
  const named = fold.legs.get(shape.linkedid);
  return (named?.created ?? null) === null ? { start_inferred: true } : {};
}

function directoryExtras(roles: Roles): Extra {
  const report = guessReport(roles);
  return report === null ? {} : { directory: report };
}

/** `talk_seconds` and `wait_seconds`: the second runs from the start to the first talk, or to the end. */
export function talkExtras(intervals: { from: number; to: number | null }[], start: number, until: number): Extra {
  const first = intervals.reduce((least, { from }) => Math.min(least, from), until);
  return {
    talk_seconds: Math.round(unionMs(intervals, until) / 1000),
    wait_seconds: Math.max(0, Math.round((first - start) / 1000)),
  };
}
