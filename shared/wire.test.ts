import { createHash } from "node:crypto";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import * as wire from "./wire.ts";

/**
 * Every shape the wire ever had, newest last. A change of the schemas or limits fails the pin below until its hash is
 * entered here; one that an older peer cannot read also takes a new WIRE_VERSION.
 */
const HISTORY: { version: number; hash: string; what: string }[] = [
  { version: 1, hash: "ef4b298ab8454b0a", what: "first: header, events, acks, commands, received_to" },
  { version: 1, hash: "c015a828106b1405", what: "header.windows: how far each window of resend_window is; optional" },
  {
    version: 1,
    hash: "c7bf1c727bd5852e",
    what: "header.kind and header.span: streams of Asterisk's own files; optional",
  },
  {
    version: 1,
    hash: "f86e96df732f075f",
    what: "header.acked: what the server ever acked of the stream; header.windows retained_from; optional",
  },
];

function schemaHash(): string {
  const { IngestHeader, WireEvent, IngestReply, WireProblem, LIMITS, INGEST_PATH, NDJSON } = wire;
  const shape = JSON.stringify({ IngestHeader, WireEvent, IngestReply, WireProblem, LIMITS, INGEST_PATH, NDJSON });
  return createHash("sha256").update(shape).digest("hex").slice(0, 16);
}

const event = {
  seq: 1,
  at: 1,
  mono: 1,
  origin: "live",
  ev: { Event: "Hangup", Cause: "16", Variable: ["a=1", "b=2"] },
};

describe("the wire", () => {
  it("has the shape that is pinned for its version", () => {
    const newest = HISTORY.at(-1);
    expect({ version: newest?.version, hash: newest?.hash }).toEqual({
      version: wire.WIRE_VERSION,
      hash: schemaHash(),
    });
  });

  it("has a history that only goes forward", () => {
    const versions = HISTORY.map((entry) => entry.version);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(HISTORY.map((entry) => entry.hash)).size).toBe(HISTORY.length);
  });

  it("takes an event with repeated headers and refuses one without a name or with seq 0", () => {
    expect(Value.Check(wire.WireEvent, event)).toBe(true);
    expect(Value.Check(wire.WireEvent, { ...event, ev: { Cause: "16" } })).toBe(false);
    expect(Value.Check(wire.WireEvent, { ...event, seq: 0 })).toBe(false);
  });

  it("lets an older agent read a reply with fields it does not know", () => {
    const reply = { acked: [[1, 2]], time: 1, commands: [], received_to: 2, later: true };
    expect(Value.Check(wire.IngestReply, reply)).toBe(true);
  });
});
