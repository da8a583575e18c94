import { describe, expect, it } from "vitest";
import { Lanes } from "./lanes.ts";

const key = (callId: number, target = "crm") => ({ enterpriseId: "0367", channel: "webhook", target, callId });

/** Lanes whose runs end when told; `begun` has them in order. */
function lanesOf({ perTargetMax = 2, waitingMax = 10 } = {}) {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  let rooms = 0;
  const lanes = new Lanes({
    perTargetMax: () => perTargetMax,
    waitingMax,
    onRoom: () => void rooms++,
    run: ({ target, callId }) => {
      begun.push(`${target} ${callId}`);
      return new Promise((end) => ends.push(end));
    },
  });
  const endNext = async () => {
    ends.shift()!();
    await settle();
  };
  return { lanes, begun, endNext, rooms: () => rooms };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("lanes", () => {
  it("run so many calls of a target at once, and those of another beside them", async () => {
    const { lanes, begun, endNext } = lanesOf();
    for (const callId of [1, 2, 3]) lanes.add(key(callId));
    lanes.add(key(4, "bi"));
    await settle();
    expect(begun).toEqual(["crm 1", "crm 2", "bi 4"]);
    await endNext();
    expect(begun).toEqual(["crm 1", "crm 2", "bi 4", "crm 3"]);
  });

  it("run a call once at a time, and again when something came meanwhile", async () => {
    const { lanes, begun, endNext } = lanesOf();
    lanes.add(key(1));
    await settle();
    lanes.add(key(1));
    lanes.add(key(1));
    await settle();
    expect(begun).toEqual(["crm 1"]);
    await endNext();
    expect(begun).toEqual(["crm 1", "crm 1"]);
    await endNext();
    expect(begun).toHaveLength(2);
  });

  it("keep no more calls waiting than they may, and say when there is room again", async () => {
    const { lanes, begun, endNext, rooms } = lanesOf({ perTargetMax: 1, waitingMax: 2 });
    lanes.add(key(1));
    await settle();
    for (const callId of [2, 3, 4, 5]) lanes.add(key(callId));
    await endNext();
    expect(rooms()).toBe(0);
    for (let n = 0; n < 2; n++) await endNext();
    expect(begun).toEqual(["crm 1", "crm 2", "crm 3"]);
    expect(rooms()).toBe(1);
  });

  it("close when what runs is done, begin nothing that waits, and hand it back", async () => {
    const { lanes, begun, endNext } = lanesOf({ perTargetMax: 1 });
    lanes.add(key(1));
    lanes.add(key(2));
    await settle();
    let left: unknown;
    const closing = lanes.close().then((keys) => (left = keys));
    await settle();
    expect(left).toBe(undefined);
    lanes.add(key(3));
    await endNext();
    await closing;
    expect(begun).toEqual(["crm 1"]);
    expect(left).toEqual([key(2)]);
  });
});
