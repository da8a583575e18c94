import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { IngestReply, WireProblem } from "../../shared/wire.ts";
import { isReply, isWireProblem } from "./reply.ts";

const odd = fc.oneof(fc.constantFrom(null, undefined, "1", -1, 0, 1.5, 2 ** 53, [], {}, Number.NaN), fc.nat());
const range = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 })),
  fc.array(odd, { maxLength: 3 }),
  odd,
);
const command = fc.oneof(
  fc.record({ do: fc.constant("resend_ranges"), ranges: fc.oneof(fc.array(range, { maxLength: 3 }), odd) }),
  fc.record(
    { do: fc.constant("resend_window"), id: fc.oneof(fc.string(), odd), from: odd, to: odd },
    { requiredKeys: ["do"] },
  ),
  odd,
);
const reply = fc.record(
  {
    acked: fc.oneof(fc.array(range, { maxLength: 3 }), odd),
    time: fc.oneof(fc.nat(), odd),
    commands: fc.oneof(fc.array(command, { maxLength: 2 }), odd),
    received_to: odd,
  },
  { requiredKeys: [] },
);
const problem = fc.record(
  { error: fc.oneof(fc.string(), odd), message: fc.string(), line: odd, seq: odd },
  { requiredKeys: ["error"] },
);

/** JSON has neither undefined nor NaN: what is checked is what can come. */
const asReceived = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? "null");

describe("checking the server's words by hand", () => {
  it("agrees with the wire's schema about replies", () => {
    fc.assert(
      fc.property(reply, (value) => {
        expect(isReply(asReceived(value))).toBe(Value.Check(IngestReply, asReceived(value)));
      }),
      { numRuns: 2_000 },
    );
    expect(isReply({ acked: [[1, 2]], time: 1, commands: [], received_to: 0 })).toBe(true);
  });

  it("agrees with the wire's schema about problems", () => {
    fc.assert(
      fc.property(problem, (value) => {
        expect(isWireProblem(asReceived(value))).toBe(Value.Check(WireProblem, asReceived(value)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("lets a later version's command pass, which is no reason to refuse the acks beside it", () => {
    expect(isReply({ acked: [], time: 1, commands: [{ do: "dance" }] })).toBe(true);
  });
});
