import { describe, expect, it } from "vitest";
import { codeOf, ConfigurationError, messageOf, RingpostError } from "./errors.ts";

describe("errors", () => {
  it("say what was attempted, on what, what came of it and what to do", () => {
    const error = new RingpostError({
      code: "key_refused",
      attempted: "send events",
      on: "https://central",
      found: "401",
      retry: "no",
      next: "Set [server] key",
    });
    expect(error.message).toBe("cannot send events (https://central): 401. Set [server] key");
    expect(error.code).toBe("key_refused");
  });

  it("tell every setting that is wrong", () => {
    const error = new ConfigurationError([
      { setting: "[ami] port", found: "0", allowed: "1 to 65535" },
      { setting: "[server] key", found: "nothing", allowed: "a site key" },
    ]);
    expect(error.message.split("\n")).toHaveLength(2);
  });

  it("find the system's code in a cause", () => {
    const cause = Object.assign(new Error("write failed"), { code: "ENOSPC" });
    expect(codeOf(new Error("commit", { cause }))).toBe("ENOSPC");
    expect(messageOf(cause)).toBe("ENOSPC: write failed");
    expect(codeOf("text")).toBeUndefined();
  });
});
