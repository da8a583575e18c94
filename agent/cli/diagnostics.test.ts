import { describe, expect, it } from "vitest";
import { withoutNumbers, withoutNumbersInLine } from "./diagnostics.ts";

describe("text that goes to support", () => {
  it.each([
    "380671234567",
    "+380671234567",
    "+38 (067) 123-45-67",
    "067 123 45 67",
    "0800/123456",
    "PJSIP/380671234567-0000001f",
    "sip:380671234567@10.0.0.1:5060",
    "Local/380671234567@from-internal-00000001;2",
    'said \\"380671234567\\" twice',
  ])("has no telephone number: %s", (number) => {
    const bare = withoutNumbers(`Exten ${number} is odd`).replaceAll(/\D/g, "");
    for (const part of ["0671234567", "671234567", "1234567", "123456"]) expect(bare).not.toContain(part);
  });

  it("has no site key, also when a server or a proxy quotes the request", () => {
    expect(withoutNumbers(`403: Authorization: Bearer rp_1_${"Q".repeat(43)}`)).not.toContain("QQ");
  });

  it.each([
    "connect ECONNREFUSED 127.0.0.1:5038",
    "connect EHOSTUNREACH 192.168.100.250:65535",
    "until 2026-11-28T03:04:05.678Z",
    "Asterisk 22.10.1, AMI 11.0.0",
    "no answer to Ping for 15 s",
    "extension 150 of 4021",
  ])("keeps what is none: %s", (text) => {
    expect(withoutNumbers(text)).toBe(text);
  });

  it("keeps a log line's time and its counts", () => {
    const line = { level: "info", time: "2026-11-28T03:04:05.678Z", pid: 1234567, msg: 'from "380671234567"' };
    expect(JSON.parse(withoutNumbersInLine(JSON.stringify(line)))).toEqual({ ...line, msg: 'from "(number)"' });
    expect(withoutNumbersInLine("plain 380671234567")).toBe("plain (number)");
  });
});
