import { describe, expect, it } from "vitest";
import { viewLogLine } from "./logs.ts";
import { painter } from "./paint.ts";
import { say } from "./phrases/phrases.ts";
import { TEXTS } from "./texts.ts";
import { viewCall, viewCalls, viewChecks, viewEvent } from "./views.ts";
import { WORDS } from "./words/words.ts";

const ESCAPE = "\u{1B}";
/** A caller's name that would clear the screen, set the window's title and turn the text around. */
const HOSTILE = `${ESCAPE}[2J${ESCAPE}]0;title\u{7}\u{9B}31m\u{202E}150`;
const voice = {
  language: "en",
  texts: TEXTS.en,
  words: WORDS.en,
  paint: painter(false),
  columns: Number.POSITIVE_INFINITY,
} as const;
const call = { linkedid: "1.1", started_at: 0, ended_at: 1, from: HOSTILE, to: HOSTILE, answered: true, channels: 2 };

describe("what callers and other programs sent", () => {
  it.each([
    ["a call", viewCall(call, 1, voice)],
    ["calls", viewCalls([call], 1, voice)],
    ["an event", viewEvent({ Event: `New${HOSTILE}`, Channel: `PJSIP/${HOSTILE}-1`, Exten: HOSTILE }, 1)],
    ["a log's line", viewLogLine(JSON.stringify({ level: "warn", time: "2026-01-01", msg: HOSTILE, reason: HOSTILE }))],
    ["a line of another log", viewLogLine(HOSTILE)],
    ["a trouble", say(`the AMI connection was lost: ${HOSTILE}. The agent keeps trying`, "en").text],
  ])("cannot steer the terminal of whoever looks: %s", (_, text) => {
    expect(text).toContain("150");
    for (const sign of [ESCAPE, "\u{7}", "\u{9B}", "\u{202E}"]) expect(text).not.toContain(sign);
  });
});

describe("what the doctor found", () => {
  const found = "also allowed: Command, Originate, UpdateConfig, Redirect, DBPut, ModuleLoad";
  const checks = [{ name: "rights_wide", result: "warn", found } as const];
  it.each([40, 60, 80, 1000])("is read on a terminal of %i columns", (columns) => {
    const lines = viewChecks(checks, { ...voice, columns }).split("\n");
    expect(lines.filter(({ length }) => length > columns)).toEqual([]);
    expect(lines.filter((line, at) => line.trim() === "" && lines[at + 1] !== "What to do:")).toEqual([]);
    expect(lines.length).toBeLessThan(14);
    expect(lines.join(" ").replaceAll(/\s+/g, " ")).toContain(found);
  });
});
