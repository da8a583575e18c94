import { describe, expect, it } from "vitest";
import type { CardStep } from "../../store/telegram/readCard.ts";
import type { CardCall } from "./card-call.ts";
import { endsOf, judge, type Prospect } from "./verdict.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const step = (type: string, ageMs = 0, more: Partial<CardStep> = {}): CardStep => {
  const createdAt = NOW - ageMs;
  return { id: 1, type, isLive: true, at: createdAt, createdAt, retrySince: createdAt, ...more };
};
const call: CardCall = {
  id: 1,
  uniqueId: "1.1",
  callType: "incoming",
  final: true,
  status: "no_answer",
  phoneNumber: "0501112233",
  mainExtension: null,
  startedAt: NOW - MINUTE,
  endedAt: NOW,
  extra: {},
  participants: [],
  nthToday: null,
  lastAnsweredBy: null,
  callback: null,
  handled: null,
};
const running: CardCall = { ...call, final: false, status: null, endedAt: null };
const answered: CardCall = { ...call, status: "answered" };
const ended = (agoMs: number): CardCall => ({ ...call, endedAt: NOW - agoMs });
const downloaded = { isLive: false };
const again = { retrySince: NOW };

describe("what becomes of a card", () => {
  it.each<[string, Partial<Prospect>, string]>([
    ["a call begins", { call: running, steps: [step("start")] }, "send"],
    ["a call was missed", {}, "send"],
    ["a call was missed an hour ago, Telegram is back", { steps: [step("hangup", 60 * MINUTE)] }, "send"],
    [
      "a call was answered an hour ago, Telegram is back",
      { call: answered, steps: [step("hangup", 60 * MINUTE)] },
      "send quietly",
    ],
    [
      "a call runs since an hour, Telegram is back",
      { call: running, steps: [step("start", 60 * MINUTE)] },
      "send quietly",
    ],
    [
      "missed an hour ago, called back since",
      { call: { ...call, callback: { outgoing: true, by: null, at: NOW } }, steps: [step("hangup", 60 * MINUTE)] },
      "send quietly",
    ],
    [
      "missed an hour ago, handled since",
      { call: { ...call, handled: { by: "I", at: NOW } }, steps: [step("hangup", 60 * MINUTE)] },
      "send quietly",
    ],
    ["missed, too late", { steps: [step("hangup", 121 * MINUTE)] }, "given_up"],
    ["missed long ago by the PBX's clock, seen live just now", { call: ended(9000 * MINUTE) }, "send"],
    ["downloaded, fresh", { call: ended(59 * MINUTE), steps: [step("hangup", 0, downloaded)] }, "send"],
    [
      "downloaded, too old by the PBX's clock",
      { call: ended(61 * MINUTE), steps: [step("hangup", 0, downloaded)] },
      "given_up",
    ],
    ["downloaded, too old since it waits", { steps: [step("hangup", 61 * MINUTE, downloaded)] }, "given_up"],
    ["too late, but asked for by hand", { steps: [step("hangup", 500 * MINUTE, again)] }, "send"],
    [
      "only its start waits, and it ended too long ago",
      { call: ended(61 * MINUTE), steps: [step("start", 61 * MINUTE)] },
      "given_up",
    ],
    ["somebody called back, and there is no card", { steps: [step("callback")] }, "superseded"],
    ["handled, merged, and there is no card", { steps: [step("handled"), step("merged")] }, "superseded"],
    ["a chat without sound", { silent: true }, "send quietly"],
    ["there is a card already", { hasMessage: true }, "edit"],
    ["there is a card already, however late", { hasMessage: true, steps: [step("hangup", 900 * MINUTE)] }, "edit"],
  ])("%s", (_, given, expected) => {
    const steps = [step("hangup")];
    const limits = { lateMsMax: 120 * MINUTE, downloadedAgeMsMax: 60 * MINUTE };
    const verdict = judge({ call, steps, hasMessage: false, now: NOW, silent: false, ...limits, ...given });
    const told = verdict.do === "none" ? verdict.state : verdict.do;
    expect(verdict.do === "send" && verdict.quiet ? "send quietly" : told).toBe(expected);
  });
});

describe("how the steps of a card end", () => {
  const states = (of: CardCall, steps: CardStep[]) => endsOf(of, steps, NOW).map(({ state }) => state);

  it("sent, when the card came within a minute", () => {
    expect(states(call, [step("start", 59_000), step("dial", 50_000), step("hangup")])).toEqual([
      "sent",
      "sent",
      "sent",
    ]);
  });

  it("superseded, when they waited longer: the call's end is what was sent", () => {
    const waited = [step("start", 61 * MINUTE), step("dial", 61 * MINUTE), step("hangup", 60 * MINUTE)];
    expect(states(call, waited)).toEqual(["superseded", "superseded", "sent"]);
  });

  it("of a running call the newest carries the present state", () => {
    expect(states(running, [step("start", 61 * MINUTE), step("dial", 61 * MINUTE)])).toEqual(["superseded", "sent"]);
  });

  it("what is none of the call's steps is simply sent", () => {
    expect(states(call, [step("callback", 61 * MINUTE), step("handled", 61 * MINUTE)])).toEqual(["sent", "sent"]);
  });
});
