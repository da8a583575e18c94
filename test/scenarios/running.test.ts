import { describe, expect, it } from "vitest";
import { assemble, type AssembledCall, type CallEvent } from "../../server/assemble/index.ts";
import { capture, captureNames } from "../support/captures.ts";
import { LAB } from "../support/truth-directory.ts";
import { eventsOf } from "../support/truth-events.ts";

/** A participant never goes back: who talked has talked, who stopped ringing does not ring again. */
const RANK: Record<string, number> = { dialing: 0, no_answer: 1, busy: 1, answered: 2 };

/** load300 has thousands of events; its first calls run like all others. */
const EVENTS_MAX = 400;

function* moments(name: string): Generator<AssembledCall[]> {
  const events: CallEvent[] = eventsOf(capture(name), "recommended").slice(0, EVENTS_MAX);
  for (let length = 1; length <= events.length; length++) yield assemble(events.slice(0, length), LAB);
}

function stepName({ key }: AssembledCall["steps"][number]): string {
  return `${key.leg} ${key.type} ${key.nth}`;
}

/** What is untrue of a row at any moment, on its own; empty is right. */
function untruths(call: AssembledCall): string[] {
  const types = call.steps.map((step) => step.key.type);
  const hangups = types.filter((type) => type === "hangup").length;
  const nameless = call.participants.filter((one) => one.disconnectReason === null).length;
  const told = [call.callStatus, call.endTime, call.durationSeconds].filter((value) => value !== null).length;
  return [
    types[0] === "start" && types.indexOf("start", 1) < 0 ? "" : "does not start once, first",
    hangups === (call.ended ? 1 : 0) ? "" : "hangup without an end, or an end without hangup",
    call.ended && types.at(-1) !== "hangup" ? "hangup is not last" : "",
    call.ended && nameless > 0 ? "ended with someone still in it" : "",
    told === (call.ended ? 3 : 0) ? "" : "status, end and duration are not known together with the end",
    call.steps.every((step, index) => step.sequence === index + 1) ? "" : "steps are not numbered 1, 2, 3",
    call.participants.every((one, index) => one.ringOrder === index + 1) ? "" : "ring order is not 1, 2, 3",
  ].filter((text) => text !== "");
}

/** What changed between two moments that must not. A merged call's own start and hangup go with its row. */
function regressions(before: AssembledCall[], after: AssembledCall[]): string[] {
  const steps = new Set(after.flatMap((call) => call.steps.map(stepName)));
  const lost = before.flatMap((call) =>
    call.steps.filter((step) => step.key.type === "dial" || step.key.type === "bridge"),
  );
  const statuses = new Map(after.flatMap((call) => call.participants.map((one) => [personOf(one), one.status])));
  const ended = new Map(after.map((call) => [call.linkedid, call.ended]));
  return [
    ...lost.filter((step) => !steps.has(stepName(step))).map((step) => `step ${stepName(step)} is gone`),
    ...before
      .flatMap((call) => call.participants)
      .filter((one) => RANK[statuses.get(personOf(one)) ?? ""]! < RANK[one.status]!)
      .map((one) => `${personOf(one)} is no longer ${one.status}`),
    ...before
      .filter((call) => call.ended && ended.get(call.linkedid) === false)
      .map((call) => `${call.linkedid} lives again`),
  ];
}

function personOf(one: AssembledCall["participants"][number]): string {
  return `${String(one.info["channels"])} ${one.extension} ${one.dialStart}`;
}

describe("a running call's row", () => {
  for (const name of captureNames()) {
    it(`is true at every moment of ${name}`, () => {
      const wrong: string[] = [];
      let before: AssembledCall[] = [];
      for (const calls of moments(name)) {
        wrong.push(...calls.flatMap(untruths), ...regressions(before, calls));
        before = calls;
      }
      expect(wrong).toEqual([]);
      expect(before.length).toBeGreaterThan(0);
    });
  }

  it("says who rings and then who talks before anything has ended", () => {
    const seen = [...moments("22/ring_group_answered")].flatMap((calls) =>
      calls.map(
        (call) => `${call.callStatus} ${call.participants.map((one) => `${one.extension}:${one.status}`).join(" ")}`,
      ),
    );
    expect(seen).toContain("null 150:dialing 151:dialing 152:dialing");
    expect(seen).toContain("null 150:no_answer 151:answered 152:no_answer");
    expect(seen.at(-1)).toBe("answered 150:no_answer 151:answered 152:no_answer");
  });
});
