import { describe, expect, it } from "vitest";
import { MARKERS } from "../../shared/ami-event.ts";
import { assemble, type AssembledCall } from "../../server/assemble/index.ts";
import { Script, type Channel } from "../support/script.ts";
import { NO_SETTINGS } from "../support/truth-directory.ts";

function only(script: Script): AssembledCall {
  const calls = assemble(script.events, NO_SETTINGS);
  expect(calls.length).toBe(1);
  return calls[0]!;
}

function people(call: AssembledCall): string[] {
  return call.participants.map((one) => `${one.extension} ${one.status} ${one.disconnectReason}`);
}

const ACCOUNT = { context: "company_account" };

/** Account 123456702 (internal number 202) is rung through a Local channel that is optimised away once it talks. */
function ringAccount(pbx: Script, caller: Channel): { phone: Channel; one: Channel; two: Channel } {
  const [one, two] = pbx.local("Local/ID730151@route_phoneaccount-00000002", caller);
  pbx.dials(caller, one, "ID730151@route_phoneaccount");
  const phone = pbx.made("SIP/123456702-00000005", { of: caller, ...ACCOUNT });
  pbx.dials(two, phone, "123456702/123456702/10.0.0.13!!201", { DestCallerIDNum: "202" });
  return { phone, one, two };
}

describe("accounts behind chan_sip, whose internal numbers are not their names", () => {
  it("are told by the number people dial, and Local channels that vanish in mid-call leave one talk", () => {
    const pbx = new Script();
    const caller = pbx.arrives("SIP/123456701-00000004", { number: "123456701", exten: "202", ...ACCOUNT });
    pbx.about("NewCallerid", caller, { CallerIDNum: "201" });
    const { phone, one, two } = ringAccount(pbx, caller);
    pbx.wait(3).answers(two, phone).answers(caller, one).joins("b1", phone, two).joins("b2", one, caller);
    pbx
      .leaves("b2", caller)
      .leaves("b1", two)
      .about("BridgeEnter", caller, { BridgeUniqueid: "b1", SwapUniqueid: two.id });
    pbx.leaves("b2", one).gone(16, two, one).wait(10).leaves("b1", caller, phone).gone(16, caller, phone);
    const call = only(pbx);
    expect(call).toMatchObject({
      callType: "internal",
      callStatus: "answered",
      mainExtension: "202",
      phoneNumber: null,
    });
    expect(people(call)).toEqual(["202 answered caller_hangup"]);
    expect(call.extra).toMatchObject({
      talk_seconds: 10,
      directory: { guessed: true, extensions: ["201", "202"], trunks: [] },
    });
    expect(call.steps.map((step) => step.key.type)).toEqual(["start", "dial", "bridge", "hangup"]);
  });

  it("keep the number they were once known by when another of their channels does not say it", () => {
    const pbx = new Script();
    const caller = pbx.arrives("SIP/123456701-00000004", { number: "201", exten: "202", ...ACCOUNT });
    const phone = pbx.made("SIP/123456702-00000005", { of: caller, number: "202", ...ACCOUNT });
    pbx.dials(caller, phone, "123456702").wait(2).dialEnds(caller, phone, "NOANSWER").gone(0, phone);
    const again = pbx.made("SIP/123456702-00000006", { of: caller, number: "+31150010001", ...ACCOUNT });
    pbx.dials(caller, again, "123456702").wait(1).answers(caller, again).joins("b", again, caller);
    pbx.wait(5).hangsUp(again).leaves("b", again, caller).gone(16, again, caller);
    expect(people(only(pbx))).toEqual(["202 no_answer timeout", "202 answered callee_hangup"]);
  });

  it("are told apart from the trunk they all share, which may be dialled both ways in one call", () => {
    const pbx = new Script();
    const world = { context: "provider_in", number: "+31260010001", exten: "+31150010004" };
    const caller = pbx.arrives("SIP/provider-siproute-00000048", world);
    const mobile = pbx.made("SIP/provider-siproute-00000049", { of: caller, context: "provider_in" });
    pbx.dials(caller, mobile, "+31612345678@provider-siproute").wait(4).answers(caller, mobile);
    pbx.joins("b", mobile, caller).wait(6).hangsUp(mobile).leaves("b", mobile, caller).gone(16, mobile, caller);
    const call = only(pbx);
    expect(call).toMatchObject({ callType: "incoming", callStatus: "answered", trunk: "provider-siproute" });
    expect(call.phoneNumber).toBe("+31260010001");
    expect(call.participants).toEqual([]);
    expect(call.extra).toMatchObject({ talk_seconds: 6, outside_legs: [{ dialled: "+31612345678", answered: true }] });
  });

  it("have not answered when the call was picked up but not accepted", () => {
    const pbx = new Script();
    const caller = pbx.arrives("SIP/provider-1", {
      context: "provider_in",
      number: "+31260010001",
      exten: "+31150010004",
    });
    const phone = pbx.made("SIP/123456702-00000005", { of: caller, number: "202", ...ACCOUNT });
    pbx.dials(caller, phone, "123456702").wait(2).answers(caller, phone).wait(5).gone(16, phone).gone(16, caller);
    const call = only(pbx);
    expect(call.callStatus).toBe("no_answer");
    expect(people(call)).toEqual(["202 no_answer timeout"]);
    expect(call.extra["talk_seconds"]).toBe(0);
  });
});

describe("events that all came at the same moment", () => {
  it("still tell a timeout from an answer elsewhere", () => {
    const pbx = new Script();
    const caller = pbx.arrives("SIP/trunk-1", { context: "from-trunk", number: "0501112233", exten: "0443000601" });
    const first = pbx.made("SIP/153-00000001", { of: caller });
    pbx.dials(caller, first, "153").dialEnds(caller, first, "NOANSWER").gone(0, first);
    const second = pbx.made("SIP/154-00000002", { of: caller });
    pbx.dials(caller, second, "154").answers(caller, second).joins("b", second, caller);
    pbx.leaves("b", second, caller).gone(16, second, caller);
    expect(people(only(pbx))).toEqual(["153 no_answer timeout", "154 answered callee_hangup"]);
  });
});

describe("a call by a server", () => {
  it("is outgoing to the number meant, though only a failed Originate without an id names it", () => {
    const pbx = new Script();
    const phone = pbx.made("PJSIP/150-00000001", { number: "150", context: "from-internal" });
    pbx.dials(null, phone, "150").wait(4);
    pbx.say("OriginateResponse", {
      Response: "Failure",
      Channel: "PJSIP/150",
      Exten: "0507770002",
      Uniqueid: "<unknown>",
    });
    pbx.gone(19, phone);
    expect(only(pbx)).toMatchObject({
      callType: "outgoing",
      callStatus: "no_answer",
      phoneNumber: "0507770002",
      mainExtension: "150",
    });
  });
});

describe("half-seen calls", () => {
  const snapshot = (pbx: Script, Complete: string, ...alive: Channel[]): void =>
    void pbx.say(MARKERS.snapshot, {
      Uniqueid: alive.map((one) => one.id),
      Linkedid: alive.map((one) => one.id),
      Complete,
    });

  function ringing(pbx: Script): { caller: Channel; phone: Channel } {
    const caller = pbx.arrives("PJSIP/trunk-a-00000001", {
      context: "from-trunk",
      number: "0501112233",
      exten: "0443000150",
    });
    const phone = pbx.made("PJSIP/150-00000002", { of: caller, number: "150", context: "from-internal" });
    pbx.dials(caller, phone, "150");
    return { caller, phone };
  }

  function reconnect(pbx: Script): void {
    pbx.wait(5).say(MARKERS.captureLost, { Cause: "ami_lost", Since: String(pbx.at()) });
    pbx.wait(3600).say(MARKERS.captureStarted);
  }

  it("end no later than they were last known to live, and say that this is inferred", () => {
    const pbx = new Script();
    ringing(pbx);
    reconnect(pbx);
    snapshot(pbx, "true");
    const call = only(pbx);
    expect(call).toMatchObject({ ended: true, callStatus: "no_answer", durationSeconds: 5 });
    expect(call.extra).toMatchObject({ completeness: "inferred_end", ended_before: pbx.at() });
    expect(people(call)).toEqual(["150 no_answer lost"]);
    expect(call.steps.at(-1)).toMatchObject({ key: { type: "hangup" }, event: { Event: MARKERS.snapshot } });
  });

  it("run on when the snapshot names them, is incomplete, or they were born after it was asked for", () => {
    const named = new Script();
    const one = ringing(named);
    reconnect(named);
    snapshot(named, "true", one.caller, one.phone);
    expect(only(named).ended).toBe(false);
    const incomplete = new Script();
    ringing(incomplete);
    reconnect(incomplete);
    snapshot(incomplete, "false");
    expect(only(incomplete).ended).toBe(false);
    const young = new Script().say(MARKERS.captureStarted);
    ringing(young);
    snapshot(young, "true");
    expect(only(young).ended).toBe(false);
  });

  it("live again when their channels speak after all", () => {
    const pbx = new Script();
    const { caller, phone } = ringing(pbx);
    reconnect(pbx);
    snapshot(pbx, "true");
    pbx.wait(1).answers(caller, phone).joins("b", phone, caller);
    expect(only(pbx)).toMatchObject({ ended: false, callStatus: null });
    pbx.wait(2).hangsUp(caller).leaves("b", caller, phone).gone(16, caller, phone);
    expect(only(pbx)).toMatchObject({ callStatus: "answered", extra: { completeness: "complete" } });
  });

  it("end when Asterisk is a new process, whatever else was said", () => {
    const pbx = new Script();
    ringing(pbx);
    pbx.wait(2).say(MARKERS.asteriskRestarted, { AsteriskStarted: "1700000100" });
    expect(only(pbx)).toMatchObject({ ended: true, extra: { completeness: "inferred_end" } });
  });

  it("ask for the stream from its beginning when their first channel is older than the capture", () => {
    const pbx = new Script();
    const { caller, phone } = ringing(pbx);
    pbx
      .wait(1)
      .answers(caller, phone)
      .joins("b", phone, caller)
      .wait(5)
      .leaves("b", caller, phone)
      .gone(16, caller, phone);
    const seen = pbx.events;
    expect(assemble(seen, NO_SETTINGS)[0]!.proof).toEqual([{ stream: 1, fromSeq: 1, toSeq: seen.length }]);
    const tail = seen.slice(6);
    const [half] = assemble(tail, NO_SETTINGS);
    expect(half!.proof).toEqual([{ stream: 1, fromSeq: 1, toSeq: seen.length }]);
    expect(half!.extra["start_inferred"]).toBe(true);
    const moved = [...seen.slice(0, 6), ...tail.map((event) => ({ ...event, stream: 2, seq: event.seq - 4 }))];
    expect(assemble(moved, NO_SETTINGS)[0]!.proof).toEqual([
      { stream: 1, fromSeq: 1, toSeq: 6 },
      { stream: 2, fromSeq: 1, toSeq: seen.length - 4 },
    ]);
  });
});

describe("times", () => {
  it("are the PBX's when it sends them, and the agent's when they are absurd", () => {
    const pbx = new Script();
    const caller = pbx.arrives("PJSIP/trunk-a-00000001", {
      context: "from-trunk",
      number: "0501112233",
      exten: "0443000999",
    });
    pbx.wait(9).gone(0, caller);
    const stamped = (stamps: string[]): AssembledCall =>
      assemble(
        pbx.events.map((event, index) => ({ ...event, ev: { ...event.ev, Timestamp: stamps[index]! } })),
        NO_SETTINGS,
      )[0]!;
    expect(stamped(["1600000000.250000", "1600000002.250000"])).toMatchObject({
      startTime: 1_600_000_000_250,
      durationSeconds: 2,
    });
    expect(stamped(["-5", "NaN"])).toMatchObject({ startTime: pbx.events[0]!.at, durationSeconds: 9 });
  });
});
