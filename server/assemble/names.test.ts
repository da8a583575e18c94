import { describe, expect, it } from "vitest";
import {
  internalNumberIn,
  isExternalNumber,
  isInternalNumber,
  parseChannelName,
  parseDialArguments,
  parseDialTarget,
  unescapeName,
} from "./names.ts";

describe("channel names", () => {
  it.each([
    ["PJSIP/trunk-a-0000001f", "PJSIP", "trunk-a"],
    ["SIP/123456789-0000001a", "SIP", "123456789"],
    ["PJSIP/voipgrid-siproute-172_20_0_114-00000001", "PJSIP", "voipgrid-siproute-172_20_0_114"],
    ["DAHDI/i1/0501112233-2", "DAHDI", "i1"],
    ["IAX2/branch-42", "IAX2", "branch"],
  ])("%s belongs to a peer of its technology", (name, tech, peer) => {
    expect(parseChannelName(name)).toEqual({ tech, peer, kind: "real", pair: null, half: null });
  });

  it("Local halves know their pair", () => {
    const one = parseChannelName("Local/FMPR-156@fm-local-00000006;1");
    const two = parseChannelName("Local/FMPR-156@fm-local-00000006;2");
    expect(one).toMatchObject({ kind: "local", half: 1, peer: "FMPR-156" });
    expect(two).toMatchObject({ kind: "local", half: 2, pair: one.pair });
  });

  it("channels Asterisk makes for itself carry nobody", () => {
    for (const name of ["CBAnn/8001-00000000;1", "AsyncGoto/PJSIP/150-00000001", "no slash"]) {
      expect(parseChannelName(name).kind).toBe("helper");
    }
  });
});

describe("dial targets", () => {
  it.each([
    ["PJSIP/0671234567@trunk-a", "trunk-a", "0671234567"],
    ["0671234567@trunk-a", "trunk-a", "0671234567"],
    ["SIP/trunk-s/0671234567", "trunk-s", "0671234567"],
    ["PJSIP/150/sip:150@127.0.0.1:5070", "150", null],
    ["150010002/150010002/172.20.0.13!!201", "150010002", null],
    ["Local/150@from-queue/n", "150", null],
    ["150", "150", null],
  ])("%s is a peer and perhaps a number", (text, peer, number) => {
    expect(parseDialTarget(text)).toMatchObject({ peer, number });
  });

  it("Dial's arguments name its targets in order, and none when they are empty", () => {
    expect(parseDialArguments("PJSIP/150&PJSIP/163,10,TtrI").map((target) => target.peer)).toEqual(["150", "163"]);
    expect(parseDialArguments(",6,TtrIb(func-apply-sipheaders^s^1)")).toEqual([]);
  });
});

describe("numbers", () => {
  it("tell inside from outside by their length", () => {
    expect(["150", "201", "2401"].every(isInternalNumber)).toBe(true);
    expect(["+31150010001", "0671234567", "123456789"].every(isExternalNumber)).toBe(true);
    expect(["s", "h", "*8150", "", null].some((text) => isInternalNumber(text) || isExternalNumber(text))).toBe(false);
  });

  it("are found in the names of chains, not in ids", () => {
    expect(["FMPR-156", "RG-600-150", "150"].map(internalNumberIn)).toEqual(["156", "150", "150"]);
    expect(["ID730151", "ID1", "+31260010001", "trunk-a"].map(internalNumberIn)).toEqual([null, null, null, null]);
  });

  it("names lose the escapes of SIP and of AMI", () => {
    expect(unescapeName(String.raw`ТОВ \\\"Ромашка\\\", Київ`)).toBe(`ТОВ "Ромашка", Київ`);
    expect(unescapeName(String.raw`Bob \"B\" C`)).toBe(`Bob "B" C`);
  });
});
