import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mayBeRefused, original, originalValue, stillStorable, storable, storableValue } from "./storable.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
);

describe("text made storable", () => {
  it("has neither NUL nor lone surrogate, and comes back as it was", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const kept = storable(text);
        expect(kept.includes("\0") || !kept.isWellFormed()).toBe(false);
        expect(original(kept)).toBe(text);
        expect(stillStorable(kept)).toBe(kept);
      }),
    );
  });

  it("is asked about only when its JSON can hold what jsonb refuses", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(mayBeRefused(JSON.stringify(text)) || storable(text) === text).toBe(true);
      }),
    );
  });

  it("keeps its shape in lists and headers, names included", () => {
    const ev = { Event: "A", "N\0": ["\ud800", "plain"] };
    expect(originalValue(storableValue(ev))).toEqual(ev);
    expect(JSON.stringify(storableValue(ev))).not.toMatch(/\\u/);
  });
});
