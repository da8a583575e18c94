import { WIRE_VERSION, type IngestHeader, type WireEvent } from "../../../shared/wire.ts";
import { post } from "../stack/ingest.ts";
import { pause, until, type Stack } from "../stack/stack.ts";
import type { Fault } from "./fault.ts";

/** Another event arrives under a stream and seq the server already holds: an alarm, and both are kept. */
export const SEQ_CONFLICT: Fault = {
  name: "seq-conflict",
  title: "the same stream and seq arrive once more with other content",
  touches: ["server", "database", "link"],
  inject: async (stack) => {
    let taken: Taken | undefined;
    await until(async () => (taken = await someSeq(stack)) !== undefined, 20_000);
    const told = stack.pbx.raiseUnheard(
      "UserEvent",
      "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Other\r\n\r\n",
    );
    const ev = { Event: "UserEvent", UserEvent: "Other", OracleNumber: String(told.number) };
    const event: WireEvent = { seq: Number(taken!.seq), at: told.at, mono: 0, origin: "downloaded", ev };
    const reply = await post(stack.servers[0]!.port, stack.site.key, headerOf(taken!.uuid, taken!.highest), [event]);
    if (reply.status !== 200) throw new Error(`The conflicting event was answered ${reply.status}: ${reply.body}`);
    told.mustBeKept = true;
    await pause(100);
  },
};

interface Taken {
  uuid: string;
  seq: string;
  highest: string;
}

async function someSeq(stack: Stack): Promise<Taken | undefined> {
  const rows = await stack.database.query<Taken>(
    `SELECT s.uuid, e.seq, s.highest_seq AS highest FROM ami_events e JOIN streams s ON s.id = e.stream_id
     WHERE e.site_id = $1 ORDER BY e.received_at DESC LIMIT 1`,
    [stack.site.id],
  );
  return rows[0];
}

function headerOf(stream: string, highest: string): IngestHeader {
  return {
    v: WIRE_VERSION,
    stream,
    lane: "backlog",
    agent: "conflict",
    sent_at: Date.now(),
    highest_seq: Number(highest),
    oldest_unacked: null,
    waiting: 0,
    report: { ami: "connected", outbox_bytes: 0 },
  };
}
