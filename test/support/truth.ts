import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS } from "./captures.ts";

/** truth.json: what the phones did, from the SIP wire and CDR/CEL, never from AMI. Times are epoch seconds. */
export interface Truth {
  scenario: string;
  noHangup?: boolean;
  connected_at?: number;
  calls: TruthCall[];
}

export interface TruthCall {
  label?: string;
  direction: string;
  external_number: string | null;
  trunk?: string | null;
  did?: string | null;
  call_status: string;
  call_status_alt?: string;
  main_extension?: string | null;
  main_extension_alt?: string;
  caller_extension?: string | null;
  talk: number | null;
  talkLoose?: boolean;
  talk_measured?: number;
  talk_total?: number;
  linkedid: string;
  start_time?: number | null;
  end_time?: number | null;
  hangup_by?: string;
  queue?: string;
  ivr?: boolean;
  ivr_digits?: string;
  voicemail?: boolean;
  conference?: string;
  recording?: boolean;
  parked?: boolean;
  /** Devices that rang beside those of the participants. */
  further_devices?: number;
  external_name?: string;
  picked_up_for?: string;
  click_to_call?: boolean;
  caller_hidden?: boolean;
  trunks_tried?: string[];
  all_uniqueids?: string[];
  participants?: TruthParticipant[];
  trunk_legs?: TruthLeg[];
  /** load300: how the call was made to end, and the extension it was for or from. */
  outcome?: string;
  extension?: string;
  to?: string;
}

export interface TruthLeg {
  uniqueid?: string;
  dial_start?: number | null;
  answer_time?: number | null;
  hangup_time?: number | null;
}

export interface TruthParticipant extends TruthLeg {
  extension: string;
  status: string;
  ring_order: number;
  wave: number;
  ring_duration?: number | null;
  disconnect_reason: string;
  /** It called in by itself: a pickup, a retrieval. */
  caller?: boolean;
}

export function truthOf(name: string): Truth {
  return JSON.parse(readFileSync(join(SCENARIOS, name, "truth.json"), "utf8")) as Truth;
}
