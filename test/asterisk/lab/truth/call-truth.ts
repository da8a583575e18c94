import type { ParticipantTruth, TrunkLegTruth } from "./sides.ts";

/** The truth about one call, in the words of the model; times in epoch seconds. */
export interface CallTruth {
  label: string;
  direction: string;
  external_number: string | null;
  trunk: string | null;
  call_status: string;
  main_extension: string | null;
  talk: number;
  participants: ParticipantTruth[];
  trunk_legs: TrunkLegTruth[];
  uniqueid: string | null;
  linkedid: string | null;
  all_uniqueids: string[];
  channels: string[];
  start_time: number | null;
  end_time: number | null;
  cdr_rows: string[];
  cdr_says_answered: boolean;
  [fact: string]: unknown;
}
