import { expect, it } from "vitest";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { assemble } from "./assemble.ts";
import type { CallEvent, Directory } from "./types.ts";

const OFFICE: Directory = { timezone: "UTC", extensions: /^1\d\d$/, trunks: new Set(["trunk-a"]) };

function events(...evs: AmiEvent[]): CallEvent[] {
  return evs.map((ev, n) => ({ stream: 1, seq: n + 1, at: 1_700_000_000_000 + n * 1000, origin: "live", ev }));
}

function channel(Event: string, id: string, more: Record<string, string> = {}): AmiEvent {
  const name = `PJSIP/trunk-a-0000000${id.at(-1)}`;
  return { Event, Channel: name, Uniqueid: id, Linkedid: id, CallerIDNum: "0501112233", Exten: "100", ...more };
}

it("a call keeps its own Linkedid when an older caller joins a conference meanwhile", () => {
  const [older, younger] = ["1700000000.1", "1700000001.2"];
  const calls = assemble(
    events(
      channel("Newchannel", older),
      channel("Newchannel", younger),
      channel("ConfbridgeJoin", older, { Conference: "8001" }),
      channel("Hangup", younger, { Cause: "16" }),
      channel("Hangup", older, { Cause: "16" }),
    ),
    OFFICE,
  );
  expect(calls.map(({ linkedid, keys, eventCount }) => ({ linkedid, keys, eventCount }))).toEqual([
    { linkedid: older, keys: [older], eventCount: 3 },
    { linkedid: younger, keys: [younger], eventCount: 2 },
  ]);
});

it("a snapshot in a later stream ends a call it should list, but none that has spoken since", () => {
  const id = "1700000000.1";
  const of = (stream: number, seq: number, atS: number, ev: AmiEvent): CallEvent => ({
    stream,
    seq,
    at: 1_700_000_000_000 + atS * 1000,
    origin: "live",
    ev,
  });
  const answer = channel("Newstate", id, { ChannelStateDesc: "Up", ChannelState: "6" });
  const call = (atS: number) => [of(1, 1, atS, channel("Newchannel", id)), of(1, 2, atS + 1, answer)];
  const snapshot = (atS: number) => [
    of(2, 1, atS, { Event: "RingpostCaptureStarted" }),
    of(2, 2, atS, { Event: "RingpostSnapshot", Uniqueid: [], Linkedid: [], Complete: "true" }),
  ];
  expect(assemble([...call(0), ...snapshot(5)], OFFICE)[0]!.ended).toBe(true);
  expect(assemble([...call(10), ...snapshot(5)], OFFICE)[0]!.ended).toBe(false);
});

it("a clock set back while two people talk makes it neither an unanswered call nor one that ends before it began", () => {
  const [trunk, phone] = ["1700000000.1", "1700000000.2"];
  const party = (Event: string, id: string, more: Record<string, string> = {}): AmiEvent => ({
    ...channel(Event, id, { Linkedid: trunk, ...more }),
    Channel: id === trunk ? "PJSIP/trunk-a-00000001" : "PJSIP/150-00000002",
  });
  const dial = { DestChannel: "PJSIP/150-00000002", DestUniqueid: phone, DestLinkedid: trunk };
  const all = events(
    party("Newchannel", trunk),
    party("Newchannel", phone),
    party("DialBegin", trunk, { ...dial, DialString: "150" }),
    party("DialEnd", trunk, { ...dial, DialStatus: "ANSWER" }),
    party("BridgeEnter", phone, { BridgeUniqueid: "b" }),
    party("BridgeEnter", trunk, { BridgeUniqueid: "b" }),
    party("BridgeLeave", trunk, { BridgeUniqueid: "b" }),
    party("BridgeLeave", phone, { BridgeUniqueid: "b" }),
    party("Hangup", phone, { Cause: "16" }),
    party("Hangup", trunk, { Cause: "16" }),
  );
  const backForGood = all.map((event, n) => (n < 6 ? event : { ...event, at: event.at - 3_600_000 }));
  const backAndRight = all.map((event, n) => (n === 6 ? { ...event, at: event.at - 3_600_000 } : event));
  for (const told of [backForGood, backAndRight]) {
    const [call] = assemble(told, OFFICE);
    expect(call).toMatchObject({ callStatus: "answered", mainExtension: "150", startTime: all[0]!.at });
    expect(call!.endTime! - call!.startTime).toBeGreaterThanOrEqual(6_000);
    expect(call!.endTime! - call!.startTime).toBeLessThan(10_000);
    expect(call!.steps.map(({ key }) => key.type)).toEqual(["start", "dial", "bridge", "hangup"]);
  }
});

it("a talk only a list of channels showed is not taken back when the PBX's clock is set back before it ends", () => {
  const [trunk, phone] = ["1700000000.1", "1700000000.2"];
  const party = (Event: string, id: string, more: Record<string, string> = {}): AmiEvent => ({
    ...channel(Event, id, { Linkedid: trunk, ...more }),
    Channel: id === trunk ? "PJSIP/trunk-a-00000001" : "PJSIP/150-00000002",
  });
  const stamped = (Event: string, id: string, atS: number): AmiEvent =>
    party(Event, id, { Timestamp: `${1_700_000_000 + atS}.000000` });
  const listed = { BridgeId: "b", Duration: "00:00:01", ChannelStateDesc: "Up", Application: "Dial" };
  const talking = events(
    stamped("Newchannel", trunk, 0),
    party("CoreShowChannel", trunk, listed),
    party("CoreShowChannel", phone, listed),
  );
  const ending = events(stamped("Hangup", phone, -3_600), stamped("Hangup", trunk, -3_600));
  const told = [...talking, ...ending].map((event, n) => ({ ...event, seq: n + 1 }));
  const steps = (of: CallEvent[]) => assemble(of, OFFICE)[0]!.steps.map(({ key }) => `${key.type} ${key.leg}`);
  expect(steps(talking)).toContain(`bridge ${phone}`);
  expect(steps(told)).toEqual(expect.arrayContaining(steps(talking)));
  const undisturbed = [...talking, ...events(stamped("Hangup", phone, 5), stamped("Hangup", trunk, 5))];
  const { callStatus, mainExtension } = assemble(
    undisturbed.map((event, n) => ({ ...event, seq: n + 1 })),
    OFFICE,
  )[0]!;
  expect(assemble(told, OFFICE)[0]).toMatchObject({ callStatus, mainExtension });
});

it("an answered call whose end was never seen, and whose outbox was replaced meanwhile, stays answered", () => {
  const [trunk, phone] = ["1700000000.1", "1700000000.2"];
  const party = (Event: string, id: string, more: Record<string, string> = {}): AmiEvent => ({
    ...channel(Event, id, { Linkedid: trunk, ...more }),
    Channel: id === trunk ? "PJSIP/trunk-a-00000001" : "PJSIP/150-00000002",
  });
  const dial = { DestChannel: "PJSIP/150-00000002", DestUniqueid: phone, DestLinkedid: trunk };
  const talking = events(
    party("Newchannel", trunk),
    party("Newchannel", phone),
    party("DialBegin", trunk, { ...dial, DialString: "150" }),
    party("DialEnd", trunk, { ...dial, DialStatus: "ANSWER" }),
    party("BridgeEnter", phone, { BridgeUniqueid: "b" }),
    party("BridgeEnter", trunk, { BridgeUniqueid: "b" }),
  );
  const after = events(
    { Event: "RingpostCaptureStarted" },
    { Event: "RingpostSnapshot", Uniqueid: [], Linkedid: [], Complete: "true" },
  ).map((event) => ({ ...event, stream: 2, at: event.at + 20_000 }));
  const [call] = assemble([...talking, ...after], OFFICE);
  expect(call).toMatchObject({
    ended: true,
    callStatus: "answered",
    mainExtension: "150",
    endTime: talking.at(-1)!.at,
  });
});

it("a list answer read late, by the agent's clock, is no sign that the PBX's clock was set back", () => {
  const id = "1700000000.1";
  const stamped = (Event: string, atS: number): AmiEvent =>
    channel(Event, id, { Timestamp: `${1_700_000_000 + atS}.000000` });
  const listed = channel("CoreShowChannel", id, { Duration: "00:00:01" });
  const told = events(stamped("Newchannel", 0), listed, stamped("Newstate", 1), stamped("Hangup", 2)).map((event) => ({
    ...event,
    at: event.at + 5_000,
  }));
  const [call] = assemble(told, OFFICE);
  expect(call).toMatchObject({ startTime: 1_700_000_000_000, endTime: 1_700_000_002_000 });
});
