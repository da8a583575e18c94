import type { CallEvent } from "../../server/assemble/index.ts";
import { type Channel, Script } from "../support/script.ts";

/** A caller on the trunk reaches 150, who answers after 2 s; both hang up 10 s later. Seqs from `from`. */
export interface PhoneCall {
  events: CallEvent[];
  linkedid: string;
}

export interface Shape {
  /** First seq. */
  from?: number;
  /** Makes ids of its own. */
  serial?: number;
  answered?: boolean;
  number?: string;
}

export function phoneCall({ from = 1, serial = 0, answered = true, number = "0501112233" }: Shape = {}): PhoneCall {
  const pbx = new Script();
  const caller = pbx.arrives("PJSIP/trunk-a-00000001", { number, exten: "0441234567", context: "from-trunk" });
  const phone = pbx.wait(1).made("PJSIP/150-00000002", { of: caller, context: "office" });
  pbx.dials(caller, phone, "150/sip:150@127.0.0.1").wait(2);
  if (answered) pbx.answers(caller, phone).joins("b1", phone, caller).wait(10).leaves("b1", caller, phone);
  else pbx.dialEnds(caller, phone, "NOANSWER");
  pbx.hangsUp(caller).gone(16, phone, caller);
  return { events: renumber(pbx.events, from, serial), linkedid: idOf(caller, serial) };
}

/** The same events at other seqs, with ids no other serial has. */
function renumber(events: readonly CallEvent[], from: number, serial: number): CallEvent[] {
  const text = JSON.stringify(events).replaceAll(/"17000000(\d\d)\.(\d+)"/g, (_, s, n) => `"${id(s, n, serial)}"`);
  return (JSON.parse(text) as CallEvent[]).map((event, at) => ({ ...event, seq: from + at }));
}

function idOf(channel: Channel, serial: number): string {
  return channel.id.replace(/^17000000(\d\d)\.(\d+)$/, (_, s, n) => id(s, n, serial));
}

function id(seconds: string, count: string, serial: number): string {
  return `17000000${seconds}.${serial * 100 + Number(count)}`;
}
