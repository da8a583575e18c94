import { expect, it } from "vitest";
import { CALL_EVENTS_MAX, foldEvent, newFold, readCall, type CallEvent } from "../assemble/index.ts";
import { keepItems, rawDataOf } from "./kept.ts";

const DIRECTORY = { timezone: "UTC", extensions: null, trunks: new Set<string>() };
const ID = { Uniqueid: "1795477052.1", Linkedid: "1795477052.1", Channel: "PJSIP/150-00000001" };

function tell(events: readonly CallEvent[]): ReturnType<typeof readCall> {
  const fold = newFold();
  for (const event of events) foldEvent(fold, event);
  return readCall(fold, DIRECTORY);
}

it("a call that outgrew its bound keeps its end: told from what it keeps it does not run for ever", () => {
  const names = ["Newchannel", ...Array.from({ length: CALL_EVENTS_MAX }, () => "DTMFBegin"), "Hangup"];
  const events = names.map((Event, n): CallEvent => ({
    stream: 1,
    seq: n + 1,
    at: n,
    origin: "live",
    ev: { Event, ...ID },
  }));
  const call = tell(events);
  expect(call).toMatchObject({ ended: true, truncated: true });
  const kept = JSON.parse(rawDataOf(call, keepItems(events.map((event) => ({ event, own: true }))))) as CallEvent[];
  expect(kept).toHaveLength(CALL_EVENTS_MAX + 1);
  expect(tell(kept)).toMatchObject({ ended: true, endTime: call.endTime, truncated: true });
});
