import type { CallStatus, CallType, DisconnectReason, ParticipantStatus } from "../../../shared/call.ts";
import type { Answering, Placing } from "./sip/leg.ts";

/** Something that happens at a time, in seconds after the answering sides are ready. */
export type Action =
  | { at: number; place: Placing }
  /** A phone sends REFER in its newest call; with `replaces`, towards the newest call that phone placed itself. */
  | { at: number; refer: { by: string; kind: "answers" | "places"; to: string; replaces: boolean } }
  /** Click-to-call: the phone rings first, then the number is dialled. */
  | { at: number; originate: { extension: string; number: string; timeoutSeconds: number } }
  /** Something of another kind, done before the next action. */
  | { at: number; run: () => Promise<void> };

export interface ExpectedParticipant {
  extension: string;
  status: Exclude<ParticipantStatus, "dialing">;
  wave: number;
  disconnect_reason: DisconnectReason;
  /** It joined by dialling (pickup, retrieval), so its SIP leg is one it placed. */
  caller?: boolean;
}

export interface ExpectedTrunkLeg {
  trunk: string;
  status: "answered" | "busy" | "failed" | "no_answer";
}

/** The truth about one call, decided before it is placed. */
export interface ExpectedCall {
  label: string;
  direction: CallType;
  external_number: string | null;
  trunk: string | null;
  /** How its first channel is known: channel's peer, caller number, dialled extension. */
  first: { chan: string; cid?: string; exten?: string };
  call_status: CallStatus;
  call_status_alt?: CallStatus;
  main_extension: string | null;
  main_extension_alt?: string;
  /** `pbx crash`: Asterisk died in the middle of it, and wrote nothing of its end. */
  hangup_by: "caller" | "callee" | "external" | "pbx" | "pbx crash";
  participants: readonly ExpectedParticipant[];
  trunk_legs?: readonly ExpectedTrunkLeg[];
  /** The consultation of a transfer: part of the call it is merged into. */
  merged_into?: string;
  /** What else is true of it: did, queue, ivr_digits, voicemail, conference, recording ... */
  facts?: Readonly<Record<string, unknown>>;
}

/** A play for SIPp: who stands ready, what happens when, and what must be true afterwards. */
export interface Scenario {
  name: string;
  /** One sentence: what happens. */
  note: string;
  ready: readonly Answering[];
  actions: readonly Action[];
  calls: readonly ExpectedCall[];
}
