import type { DisconnectReason } from "../../../../shared/call.ts";
import { did } from "../office.ts";
import type { ExpectedCall, ExpectedParticipant, ExpectedTrunkLeg } from "../scenario.ts";

type Rest = Partial<ExpectedCall> & Pick<ExpectedCall, "call_status" | "hangup_by">;

/** A call from outside over trunk-a to what stands behind these digits. */
export function incoming(number: string, target: string, rest: Rest): ExpectedCall {
  return {
    label: "in",
    direction: "incoming",
    external_number: number,
    trunk: "trunk-a",
    first: { chan: "trunk-a", cid: number, exten: did(target) },
    main_extension: null,
    participants: [],
    ...rest,
    facts: { did: did(target), ...rest.facts },
  };
}

/** A call of an extension to an outside number. */
export function outgoing(
  extension: string,
  number: string,
  legs: readonly ExpectedTrunkLeg[],
  rest: Rest,
): ExpectedCall {
  return {
    label: "out",
    direction: "outgoing",
    external_number: number,
    trunk: legs.at(-1)?.trunk ?? null,
    first: { chan: extension, cid: extension, exten: number },
    main_extension: extension,
    participants: [],
    trunk_legs: legs,
    ...rest,
    facts: { caller_extension: extension, ...rest.facts },
  };
}

/** A call of one extension to another, or to a number inside. */
export function internal(extension: string, dialled: string, rest: Rest): ExpectedCall {
  return {
    label: "internal",
    direction: "internal",
    external_number: null,
    trunk: null,
    first: { chan: extension, cid: extension, exten: dialled },
    main_extension: null,
    participants: [],
    ...rest,
    facts: { caller_extension: extension, ...rest.facts },
  };
}

export function talked(extension: string, reason: DisconnectReason, wave = 1): ExpectedParticipant {
  return { extension, status: "answered", wave, disconnect_reason: reason };
}

export function missed(extension: string, reason: DisconnectReason, wave = 1): ExpectedParticipant {
  return { extension, status: "no_answer", wave, disconnect_reason: reason };
}

export function wasBusy(extension: string, reason: "busy" | "declined" = "busy", wave = 1): ExpectedParticipant {
  return { extension, status: "busy", wave, disconnect_reason: reason };
}
