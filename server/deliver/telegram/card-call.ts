import type { CallStatus, CallType, DisconnectReason, ParticipantStatus } from "../../../shared/call.ts";

/** A call as its card tells it. Times are epoch ms. */
export interface CardCall {
  id: number;
  uniqueId: string;
  callType: CallType;
  /** Nothing can change it any more; before that `status` means nothing. */
  final: boolean;
  status: CallStatus | null;
  phoneNumber: string | null;
  mainExtension: string | null;
  startedAt: number;
  /** By the server's clock as far as the PBX's is known. */
  endedAt: number | null;
  extra: Readonly<Record<string, unknown>>;
  participants: readonly CardParticipant[];
  /** Which incoming call of this number it is today, by the enterprise's clock; null: unknown number or no incoming call. */
  nthToday: number | null;
  /** The extension that answered this number the time before. */
  lastAnsweredBy: string | null;
  /** The first answered call with the same number after this one. */
  callback: { outgoing: boolean; by: string | null; at: number } | null;
  handled: { by: string; at: number } | null;
}

export interface CardParticipant {
  extension: string;
  status: ParticipantStatus;
  /** Still in the call. */
  present: boolean;
  reason: DisconnectReason | null;
}

/** Missed, for people: incoming and not answered. Only a final call can be. */
export function isMissed({ final, callType, status }: Pick<CardCall, "final" | "callType" | "status">): boolean {
  return final && callType === "incoming" && status !== "answered";
}
