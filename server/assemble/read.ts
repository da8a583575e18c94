import type { CallFold } from "./facts/facts.ts";
import { completenessExtras, readEnd, readProof } from "./reading/completeness.ts";
import { readRoles } from "./reading/directory.ts";
import { readExtras, talkExtras } from "./reading/extras.ts";
import { companyFrom, readMainExtension, readPhoneNumber, readStatus, readTrunk } from "./reading/outcome.ts";
import { readParties } from "./reading/participants.ts";
import { readRings } from "./reading/rings.ts";
import { readShape, type Shape } from "./reading/shape.ts";
import { readSteps } from "./reading/steps.ts";
import { readTalk, talkIntervals } from "./reading/talk.ts";
import { CALL_EVENTS_MAX, type AssembledCall, type Directory } from "./types.ts";

/**
 * Tells the call as if all its events were in; costs what its legs cost, not its events.
 * A call with a living channel has no status, no end and no hangup step.
 */
export function readCall(fold: CallFold, directory: Directory): AssembledCall {
  const roles = readRoles(fold, directory);
  const rings = readRings(fold, roles, directory);
  const talk = readTalk(fold);
  const shape = readShape(fold, roles, rings, talk);
  const parties = readParties(fold, roles, rings, talk, shape, directory);
  const startTime = startOf(fold, shape);
  const end = readEnd(fold);
  const endTime = end === null ? null : Math.max(end, startTime);
  const until = endTime ?? Math.max(fold.lastAt, startTime);
  const conference = companyFrom(fold);
  const talked = talkIntervals(talk, roles, shape.callType === "internal");
  if (conference !== null) talked.push({ from: conference, to: fold.conferences[0]?.left?.at ?? endTime });
  const extensions = new Set(parties.map((party) => party.row.extension));
  if (shape.placing !== null) extensions.add(shape.placing);
  return {
    linkedid: shape.linkedid,
    keys: [...fold.keys].toSorted(),
    callType: shape.callType,
    callStatus: endTime === null ? null : readStatus(fold, parties, rings, talk, shape),
    phoneNumber: readPhoneNumber(fold, rings, shape),
    trunk: readTrunk(rings, roles, talk, shape),
    mainExtension: readMainExtension(parties, rings, talk, shape, directory),
    extensionsCount: extensions.size,
    startTime,
    endTime,
    durationSeconds: endTime === null ? null : Math.round((endTime - startTime) / 1000),
    dataSource: fold.live ? "live" : "downloaded",
    participants: parties.map((party) => party.row),
    steps: readSteps(fold, rings, talk, shape, startTime, endTime),
    extra: {
      ...talkExtras(talked, startTime, until),
      ...readExtras(fold, roles, rings, parties, talk, shape, until),
      ...(endTime === null ? {} : completenessExtras(fold)),
    },
    ended: endTime !== null,
    proof: readProof(fold, shape.linkedid),
    eventCount: fold.eventCount,
    truncated: fold.eventCount > CALL_EVENTS_MAX,
  };
}

function startOf(fold: CallFold, shape: Shape): number {
  const named = fold.legs.get(shape.linkedid);
  if (named !== undefined) return named.created?.at ?? named.startEstimate ?? named.first.at;
  const estimates = [...fold.legs.values()].map((leg) => leg.startEstimate ?? leg.first.at);
  return estimates.length === 0 ? (fold.firstAt ?? 0) : Math.min(...estimates);
}
