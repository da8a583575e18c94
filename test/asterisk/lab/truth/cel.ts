import type { Row } from "../csv.ts";

/** A channel as CEL tells it; times in epoch seconds. */
export interface CelChannel {
  name: string;
  uniqueid: string;
  start: number;
  answer: number | null;
  hangup: number | null;
  /** CEL's own account of the hangup, JSON. */
  hangupExtra: string | null;
  /** Every Linkedid it was seen with, in order. */
  linkedids: string[];
  callerNumber: string;
  exten: string;
}

/** The channels of a play, in the order they appeared. */
export function channelsOf(cel: readonly Row[]): CelChannel[] {
  const channels = new Map<string, CelChannel>();
  for (const row of cel) {
    const id = row["uniqueid"] ?? "";
    const known = channels.get(id);
    if (known !== undefined) follow(known, row);
    else if (row["eventtype"] === "CHAN_START") channels.set(id, begin(row));
  }
  return [...channels.values()];
}

function begin(row: Row): CelChannel {
  return {
    name: row["channame"] ?? "",
    uniqueid: row["uniqueid"] ?? "",
    start: Number(row["eventtime"]),
    answer: null,
    hangup: null,
    hangupExtra: null,
    linkedids: [row["linkedid"] ?? ""],
    callerNumber: row["cidnum"] ?? "",
    exten: row["exten"] ?? "",
  };
}

function follow(channel: CelChannel, row: Row): void {
  const linkedid = row["linkedid"] ?? "";
  if (!channel.linkedids.includes(linkedid)) channel.linkedids.push(linkedid);
  const at = Number(row["eventtime"]);
  if (row["eventtype"] === "ANSWER") channel.answer ??= at;
  if (row["eventtype"] !== "HANGUP") return;
  channel.hangup = at;
  channel.hangupExtra = row["eventextra"] ?? null;
}

/** `PJSIP/trunk-a-0000001f` is a channel of peer `trunk-a`. */
export function peerOf(channelName: string): string {
  return channelName.replace(/^[^/]+\//, "").replace(/-[0-9a-f]{8}(;\d)?$/, "");
}
