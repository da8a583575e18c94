import { randomUUID } from "node:crypto";
import { WIRE_VERSION, type IngestHeader, type WireEvent } from "../../../shared/wire.ts";
import type { Told } from "../oracle/journal.ts";
import { parseEvent } from "../oracle/parse.ts";
import { post } from "../stack/ingest.ts";
import type { Stack } from "../stack/stack.ts";

const EVENTS_PER_BATCH = 2_000;

/** Plays all the calls once more, in order and undisturbed, as a site of its own. */
export async function playUndisturbed(stack: Pick<Stack, "journal" | "servers" | "referenceSite">): Promise<void> {
  const stream = randomUUID();
  const told = stack.journal.told.filter(({ call }) => call > 0);
  const server = stack.servers[0]!;
  for (let from = 0; from < told.length; from += EVENTS_PER_BATCH) {
    const batch = told.slice(from, from + EVENTS_PER_BATCH).map((entry, i) => wireEvent(entry, from + i + 1));
    const reply = await post(server.port, stack.referenceSite.key, headerFor(stream, told.length), batch);
    if (reply.status !== 200) throw new Error(`The undisturbed site was answered ${reply.status}: ${reply.body}`);
  }
}

function headerFor(stream: string, highest: number): IngestHeader {
  const report = { ami: "connected", outbox_bytes: 0 } as const;
  const marks = { highest_seq: highest, oldest_unacked: 1, waiting: highest };
  return { v: WIRE_VERSION, stream, lane: "backlog", agent: "reference", sent_at: Date.now(), ...marks, report };
}

function wireEvent({ text, at }: Told, seq: number): WireEvent {
  return { seq, at: Math.floor(at), mono: 0, origin: "downloaded", ev: parseEvent(text) };
}
