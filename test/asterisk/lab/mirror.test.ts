import { describe, expect, it } from "vitest";
import { fromDeb822, fromOneLine } from "./mirror.ts";

describe("the mirror of this machine's apt", () => {
  it("is the Debian archive of a deb822 file, not its security archive", () => {
    const text = [
      "Types: deb",
      "# a comment",
      "URIs: http://mirror.test/debian-security",
      "Suites: x-security",
      "",
      "Types: deb",
      "URIs: http://mirror.test/debian",
      "Suites: x",
    ].join("\n");
    expect(fromDeb822(text)).toBe("http://mirror.test/debian");
  });

  it("is found behind options in a one-line file, past other archives and comments", () => {
    const text = [
      "# deb http://old.test/debian x main",
      "deb https://other.test/packages x main",
      "deb [arch=amd64 signed-by=/x.gpg] https://mirror.test/debian/ x main",
    ].join("\n");
    expect(fromOneLine(text)).toBe("https://mirror.test/debian/");
  });

  it("is null when apt names no Debian archive", () => {
    expect(fromDeb822("Types: deb\nURIs: https://other.test/node_20.x\n")).toBeNull();
    expect(fromOneLine("deb http://archive.test/ubuntu jammy main")).toBeNull();
  });
});
