import { describe, expect, it } from "vitest";
import { MARKERS } from "../../shared/ami-event.ts";
import { compareIds, isSiteMarker, linkKeys } from "./keys.ts";

describe("the ids an event ties together", () => {
  it("are those of every role, each once, bridges not", () => {
    const ev = {
      Event: "AttendedTransfer",
      OrigTransfererUniqueid: "1.1",
      OrigTransfererLinkedid: "1.0",
      OrigBridgeUniqueid: "b-1",
      SecondTransfererUniqueid: "1.2",
      SecondTransfererLinkedid: "1.2",
      SwapUniqueid: "1.3",
      BridgeUniqueid: "b-2",
    };
    expect(linkKeys(ev)).toEqual(["1.1", "1.0", "1.2", "1.3"]);
  });

  it("are none for unknown ones, empty ones, markers and site events", () => {
    expect(linkKeys({ Event: "OriginateResponse", Uniqueid: "<unknown>" })).toEqual([]);
    expect(linkKeys({ Event: "Hangup", Uniqueid: "", Linkedid: "x".repeat(200) })).toEqual([]);
    expect(linkKeys({ Event: MARKERS.snapshot, Uniqueid: ["1.0"], Linkedid: ["1.0"] })).toEqual([]);
    expect(linkKeys({ Event: "DeviceStateChange", Device: "PJSIP/150" })).toEqual([]);
  });

  it("are the same in the spelling of CDR and CEL events", () => {
    expect(linkKeys({ Event: "CEL", UniqueID: "1.1", LinkedID: "1.0" })).toEqual(["1.1", "1.0"]);
  });
});

describe("events for every running call", () => {
  it("are markers, Shutdown, conference joins and an Originate that names no channel", () => {
    for (const Event of [
      MARKERS.snapshot,
      MARKERS.asteriskRestarted,
      MARKERS.captureLost,
      "Shutdown",
      "ConfbridgeJoin",
    ]) {
      expect(isSiteMarker({ Event })).toBe(true);
    }
    expect(isSiteMarker({ Event: "OriginateResponse", Uniqueid: "<unknown>" })).toBe(true);
    expect(isSiteMarker({ Event: "OriginateResponse", Uniqueid: "1.0" })).toBe(false);
    expect(isSiteMarker({ Event: "Hangup", Uniqueid: "1.0" })).toBe(false);
  });
});

describe("the age of ids", () => {
  it("is epoch and counter, whatever the system's name and the number of digits", () => {
    const ids = ["pbx-1795477017.10", "1795477016.99", "pbx-1795477017.9"];
    expect(ids.toSorted(compareIds)).toEqual(["1795477016.99", "pbx-1795477017.9", "pbx-1795477017.10"]);
  });
});
