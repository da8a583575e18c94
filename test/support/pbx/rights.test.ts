import { describe, expect, it } from "vitest";
import { captureNames, capture } from "../captures.ts";
import { eventFilter, mayRead, parseEventMask, RECOMMENDED_RIGHTS } from "./rights.ts";

const hangup = "Event: Hangup\r\nPrivilege: call,all\r\nCause: 16\r\n\r\n";
const dialstatus = "Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: DIALSTATUS\r\nValue: BUSY\r\n\r\n";

describe("what an AMI user may see", () => {
  it("an event needs every one of its classes, from the user's rights and from the session's own mask", () => {
    expect(mayRead(["call"], ["all"], hangup)).toBe(true);
    expect(mayRead(["call"], ["all"], dialstatus)).toBe(false);
    expect(mayRead(["all"], ["call"], dialstatus)).toBe(false);
    expect(mayRead(["call"], ["all"], "Event: X\r\nPrivilege: call,agent,all\r\n\r\n")).toBe(false);
  });

  it("an eventfilter lets through what any line matches anywhere in the event; `!` takes away", () => {
    expect(eventFilter([])(hangup)).toBe(true);
    expect(eventFilter(["Event: Newchannel", "Cause: 1[67]"])(hangup)).toBe(true);
    expect(eventFilter(["Event: Newchannel"])(hangup)).toBe(false);
    expect(eventFilter(["!Event: Hangup"])(hangup)).toBe(false);
    expect(eventFilter(["!Event: Hangup"])(dialstatus)).toBe(true);
    expect(eventFilter(["Privilege: call", "!Cause: 16"])(hangup)).toBe(false);
  });

  it("an event mask is on, off or a list of classes; anything else is invalid", () => {
    expect(parseEventMask("on")).toEqual(["all"]);
    expect(parseEventMask("off")).toEqual([]);
    expect(parseEventMask("system,call")).toEqual(["system", "call"]);
    expect(parseEventMask("")).toBeUndefined();
  });

  it("the recommended rights keep most of a recording off the wire, and every call event on it", () => {
    const passes = eventFilter(RECOMMENDED_RIGHTS.eventfilters);
    for (const name of captureNames().filter((name) => !/load|call_class_only/.test(name))) {
      const events = capture(name).connections.flatMap((connection) => connection.events);
      const seen = events.filter(({ text }) => mayRead(RECOMMENDED_RIGHTS.read, ["all"], text) && passes(text));
      const calls = events.filter(({ text }) => text.includes("\r\nPrivilege: call,all\r\n"));
      expect(seen.filter(({ text }) => text.includes("\r\nPrivilege: call,all\r\n"))).toEqual(calls);
      expect(seen.length).toBeLessThan(events.length);
    }
  });
});
