import { expect, it } from "vitest";
import { capture, captureNames } from "../captures.ts";
import { headerOf, loadCapture } from "./capture.ts";

it("reads every recording in the repository: events in order, no answers among them", () => {
  const names = captureNames();
  expect(names.length).toBeGreaterThan(90);
  for (const name of names) {
    const { connections, version } = capture(name);
    expect(version).toBe(name.slice(0, 2));
    const events = connections.flatMap((connection) => connection.events);
    expect(events.length).toBeGreaterThan(10);
    expect(events.every(({ text }) => text.startsWith("Event: ") && text.includes("\r\nPrivilege: "))).toBe(true);
    expect(events.filter(({ name }) => /^(CoreShow|StatusComplete|FullyBooted|SuccessfulAuth)/.test(name))).toEqual([]);
    expect(events.every(({ at }, n) => n === 0 || at >= events[n - 1]!.at - 1)).toBe(true);
  }
});

it("reads gzipped recordings, the connection after a restart, and the channels that existed before", () => {
  expect(capture("22/load300").connections[0]!.events.filter(({ name }) => name === "Newchannel")).toHaveLength(600);
  const [before, after] = capture("16/restart_core").connections;
  expect(after!.openedAt).toBeGreaterThan(before!.closedAt);
  expect(after!.bootedAtSeconds).toBeGreaterThan(before!.bootedAtSeconds!);
  expect(capture("16/midcall_connect").connections[0]!.existing).toHaveLength(8);
});

it("names the folder that holds no recording", () => {
  expect(() => loadCapture("/nowhere/at/all")).toThrow("No capture in /nowhere/at/all");
});

it("finds a header by its whole name only", () => {
  const text = "Event: DialBegin\r\nDestChannel: b\r\nChannel: a\r\n\r\n";
  expect(headerOf(text, "Channel")).toBe("a");
  expect(headerOf(text, "Event")).toBe("DialBegin");
  expect(headerOf(text, "Chan")).toBeUndefined();
});
