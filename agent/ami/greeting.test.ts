import { describe, expect, it } from "vitest";
import { readGreeting } from "./greeting.ts";

const problemOf = (text: string) => {
  const greeting = readGreeting(text, "10.0.0.1:5038");
  return "kind" in greeting ? `${greeting.kind}: ${greeting.problem}` : `AMI ${greeting.amiVersion}`;
};

describe("reading what the port says first", () => {
  it("accepts the AMI of Asterisk 13 and newer", () => {
    expect(problemOf("Asterisk Call Manager/5.0.4\r")).toBe("AMI 5.0.4");
    expect(problemOf("Asterisk Call Manager/11.0.0")).toBe("AMI 11.0.0");
    expect(problemOf("Asterisk Call Manager/2.10.6")).toBe("AMI 2.10.6");
  });

  it("refuses Asterisk 11 and says why", () => {
    expect(problemOf("Asterisk Call Manager/1.3")).toMatch(
      /^refused: .*Asterisk 11 or older \(AMI 1\.3\).*13\.5 or newer/,
    );
  });

  it.each([
    ["HTTP/1.1 400 Bad Request", "a web server (HTTP)"],
    ["SSH-2.0-OpenSSH_9.2", "an SSH server"],
    ["220 mail.example.com ESMTP", "a mail or FTP server"],
    ["hello there", 'something that says "hello there"'],
  ])("names what answers %s and which setting to look at", (text, what) => {
    expect(problemOf(text)).toContain(`10.0.0.1:5038 is not an Asterisk manager port but ${what}`);
    expect(problemOf(text)).toContain("[ami] port");
  });

  it("shows no more than a line of what a stranger says", () => {
    expect(problemOf(`${"x".repeat(5_000)}\r\nsecret`).length).toBeLessThan(300);
  });
});
