import { describe, expect, it } from "vitest";
import { createLogger } from "./log.ts";

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger({ name: "test", destination: { write: (line) => void lines.push(line) } }));
  return lines.join("");
}

describe("the log", () => {
  it("writes one JSON line with level, time and message", () => {
    const line = logged((log) => log.info({ call: "1.2" }, "hello"));
    expect(JSON.parse(line)).toMatchObject({ level: "info", name: "test", call: "1.2", msg: "hello" });
    expect(line.endsWith("\n")).toBe(true);
  });

  it("hides secrets by the name of the field, however deep it stands", () => {
    const text = logged((log) =>
      log.info({
        secret: "s1",
        options: { server: { key: "s2" }, ami: { secret: "s3" } },
        headers: { authorization: "s4" },
      }),
    );
    expect(text).not.toMatch(/s[1-4]/);
  });

  it("hides site keys and bearer tokens inside texts", () => {
    const text = logged((log) => log.error(new Error("POST with Bearer rp_7_topSecret-1 failed for rp_7_topSecret-1")));
    expect(text).not.toContain("topSecret");
    expect(text).toContain("rp_7_[redacted]");
  });
});
