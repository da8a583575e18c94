import { describe, expect, it } from "vitest";
import { hashInviteCode, makeInviteCode } from "./invite-code.ts";

describe("an enrolment code", () => {
  it("is read in four groups of letters that cannot be mistaken for each other", () => {
    for (let n = 0; n < 200; n++) expect(makeInviteCode()).toMatch(/^([2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}$/);
    expect(makeInviteCode(() => 0)).toBe("2222-2222-2222-2222");
  });

  it("is the same code in small letters, without dashes and with spaces", () => {
    const code = makeInviteCode();
    const hash = hashInviteCode(code);
    expect(hash).toHaveLength(32);
    expect(hashInviteCode(` ${code.toLowerCase()} `)).toEqual(hash);
    expect(hashInviteCode(code.replaceAll("-", ""))).toEqual(hash);
  });

  it("is not taken for one when it is too short, too long or has a letter no code has", () => {
    for (const wrong of ["", "2222-2222-2222", "2222-2222-2222-22222", "2222-2222-2222-222O"])
      expect(hashInviteCode(wrong)).toBeUndefined();
  });
});
