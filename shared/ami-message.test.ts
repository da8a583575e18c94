import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { LIMITS, WireEvent } from "./wire.ts";
import { bodyOf, readMessage, TRUNCATED_HEADER } from "./ami-message.ts";

function event(text: string, droppedBytes = 0) {
  const message = readMessage({ text, droppedBytes });
  if (message.kind !== "event") throw new Error("not an event");
  return message.event;
}

const onTheWire = (body: string) =>
  Value.Check(WireEvent, { seq: 1, at: 1, mono: 1, origin: "live", ev: JSON.parse(body) });

describe("reading an AMI message", () => {
  it("keeps the names as Asterisk spelled them and repeated headers in order", () => {
    const text =
      "Event: Newexten\r\nDestLinkedid: 1.2\r\nChanVariable: a=1\r\nAccountCode: \r\nChanVariable: b=x: y\r\nNoSpace:v";
    expect(event(text)).toEqual({
      Event: "Newexten",
      DestLinkedid: "1.2",
      ChanVariable: ["a=1", "b=x: y"],
      AccountCode: "",
      NoSpace: "v",
    });
  });

  it("tells a response from an event", () => {
    expect(readMessage({ text: "Response: Success\r\nActionID: 7", droppedBytes: 0 })).toEqual({
      kind: "response",
      headers: { Response: "Success", ActionID: "7" },
    });
  });

  it("takes a line without a colon as the continuation of the value above", () => {
    expect(event("Event: X\r\nAppData: one\r\ntwo")).toMatchObject({ AppData: "one\r\ntwo" });
  });

  it("is not disturbed by headers named like parts of an object", () => {
    const body = bodyOf(event("Event: X\r\n__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c"));
    expect(body).toBe('{"Event":"X","__proto__":"a","constructor":"b","hasOwnProperty":"c"}');
  });

  it("says that an event was cut", () => {
    expect(event("Event: VarSet\r\nValue: x", 12)[TRUNCATED_HEADER]).toBe("12 bytes");
  });

  it("keeps absurd events within the wire: names, numbers of headers, values full of escapes", () => {
    const headers = Array.from({ length: LIMITS.headersPerEventMax + 50 }, (_, n) => `H${n}: v`).join("\r\n");
    const many = event(`Event: ${"E".repeat(500)}\r\n${headers}`);
    expect(Object.keys(many)).toHaveLength(LIMITS.headersPerEventMax);
    expect(onTheWire(bodyOf(many))).toBe(true);
    const escapes = bodyOf(event(`Event: X\r\nA: ${"\u0001".repeat(1_900_000)}`));
    expect(Buffer.byteLength(escapes)).toBeLessThan(LIMITS.lineBytesMax);
    expect(JSON.parse(escapes)).toHaveProperty(TRUNCATED_HEADER);
    expect(onTheWire(bodyOf(event("Event: \r\nA: 1")))).toBe(true);
  });

  it("lets a value of 1 MB through untouched, NUL and all", () => {
    const value = `\u0000${"v".repeat(1024 * 1024)}`;
    expect(JSON.parse(bodyOf(event(`Event: VarSet\r\nValue: ${value}`)))).toEqual({ Event: "VarSet", Value: value });
  });
});
