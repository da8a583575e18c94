import { describe, expect, it } from "vitest";
import type { Blindness } from "./ami/blindness.ts";
import { readSilence, silenceText } from "./silence.ts";

const NOW = { wallMs: 1_000_000, monoMs: 50_000, boot: "b" };
const SILENCE: Blindness = [
  { since: { wallMs: 980_000, monoMs: 30_000 }, cause: "ami_lost" },
  { since: { wallMs: 990_000, monoMs: 40_000 }, cause: "rights_missing", detail: "refused" },
];

describe("a time in which nothing is heard, between two runs", () => {
  it("is known as it was", () => {
    expect(readSilence(silenceText(SILENCE, "b"), NOW)).toEqual(SILENCE);
  });

  it("is told by the wall clock after a boot, but never by a time that is not yet", () => {
    const [first] = readSilence(silenceText(SILENCE, "a"), NOW) ?? [];
    expect(first?.since).toEqual({ wallMs: 980_000, monoMs: 30_000 });
    const [future] = readSilence(silenceText(SILENCE, "a"), { ...NOW, wallMs: 1_000 }) ?? [];
    expect(future?.since.wallMs).toBe(1_000);
  });

  it("is none while AMI is heard, and none that no agent wrote", () => {
    expect(silenceText(null, "b")).toBe("");
    for (const text of [undefined, "", "[]", "{}", "[1]", '[{"at":1}]', '[{"at":1,"mono":1,"boot":"b","cause":"?"}]'])
      expect(readSilence(text, NOW)).toBeUndefined();
  });
});
