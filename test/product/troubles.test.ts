import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assess } from "../../agent/cli/assess.ts";
import { painter } from "../../agent/cli/paint.ts";
import { adviceOf, renderStatus } from "../../agent/cli/render.ts";
import { LANGUAGES, TEXTS, type Language } from "../../agent/cli/texts.ts";
import { troublesOf } from "../../agent/control/troubles.ts";
import { TROUBLE_CODES } from "../../agent/control/agent-status.ts";
import { WORDS } from "../../agent/cli/words/words.ts";
import type { AgentStatus } from "../../agent/control/agent-status.ts";
import { describeStorage } from "../../agent/outbox/failure.ts";
import { steady } from "./terminal.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const MINUTE_MS = 60_000;
const GIGABYTE = 1024 ** 3;
const LOST =
  "cannot connect to AMI at 127.0.0.1:5038: connect ECONNREFUSED 127.0.0.1:5038. Check that Asterisk runs, and [general] enabled, bindaddr and port in manager.conf";
const UNREACHABLE =
  "the server https://r cannot be reached: getaddrinfo ENOTFOUND r. Events are kept; the agent keeps trying";

const good: AgentStatus = {
  running: true,
  version: "0.1.0",
  pid: 1,
  started_at: NOW - MINUTE_MS,
  now: NOW,
  rss_bytes: 80 * 1024 ** 2,
  ami: {
    address: "127.0.0.1:5038",
    state: "connected",
    since: NOW - MINUTE_MS,
    asterisk_version: "22.10.0",
    clock_ahead_ms: 0,
    events_per_second: 1,
    problem: null,
  },
  server: {
    url: "https://r",
    state: "ok",
    since: NOW - MINUTE_MS,
    last_ack_at: NOW,
    latency_ms: 5,
    clock_ahead_ms: 0,
    problem: null,
  },
  calls: { today: 0, running: 0 },
  blind: [],
  repair: { enabled: true, sources: [], problems: [], waiting: [], last: null },
  disk: { free_bytes: GIGABYTE },
  outbox: {
    path: "/o",
    stream: "s",
    highest_seq: 9,
    waiting: 0,
    oldest_waiting_at: null,
    drain_seconds: 0,
    used_bytes: 0,
    max_bytes: GIGABYTE,
    set_aside: 0,
    unwritten: 0,
    lost: 0,
    problem: null,
  },
  troubles_since: {},
};

const bad: AgentStatus = {
  ...good,
  ami: { ...good.ami, state: "lost", clock_ahead_ms: 90_000, problem: LOST },
  server: { ...good.server, state: "unreachable", clock_ahead_ms: -90_000, problem: UNREACHABLE },
  blind: [{ from: NOW - 5 * MINUTE_MS, to: NOW - MINUTE_MS, cause: "ami_lost", count: null, repair: null }],
  repair: {
    enabled: true,
    sources: [{ kind: "cel_sqlite", path: "/var/log/asterisk/master.db" }],
    problems: [],
    waiting: [{ from: NOW - 5 * MINUTE_MS, to: NOW - MINUTE_MS, rows: 12 }],
    last: { from: 0, to: 1, sources: ["cel_sqlite"], rows: 7, result: "partial", reason: null },
  },
  disk: { free_bytes: 1024 },
  outbox: {
    ...good.outbox,
    waiting: 500,
    oldest_waiting_at: NOW - 5 * MINUTE_MS,
    drain_seconds: 90,
    used_bytes: GIGABYTE,
    set_aside: 2,
    lost: 7,
    problem: describeStorage("full", "/var/lib/ringpost/outbox.db", "ENOSPC"),
  },
  troubles_since: { outbox_lost: NOW - 2 * MINUTE_MS },
};

const COLUMNS = 80;
const voiceIn = (language: Language) => ({
  language,
  texts: TEXTS[language],
  words: WORDS[language],
  paint: painter(false),
  columns: COLUMNS,
});

describe("what the status tells", () => {
  it.each(LANGUAGES)("names each trouble with its code, since when, and what to do, in %s", async (lang) => {
    const voice = voiceIn(lang);
    const screen = renderStatus(bad, assess(bad), voice);
    for (const line of screen.split("\n")) expect(line.length).toBeLessThanOrEqual(COLUMNS);
    await expect(steady(screen, {})).toMatchFileSnapshot(join(import.meta.dirname, "golden", lang, "troubles.txt"));
    const onOneLine = screen.replaceAll(/\s+/g, " ");
    for (const trouble of troublesOf(bad)) expect(onOneLine).toContain(`${adviceOf(trouble, voice).remedy}`);
  });

  it("is well without a trouble, a warning for what heals, critical for what needs a person", () => {
    expect(assess(good)).toBe("ok");
    expect(assess({ ...good, ami: { ...good.ami, state: "lost" } })).toBe("warning");
    expect(assess({ ...good, server: { ...good.server, state: "refused" } })).toBe("critical");
    expect(assess(bad)).toBe("critical");
  });

  it("has every code there is, each in its own case", () => {
    const refused = {
      ...good,
      ami: { ...good.ami, state: "refused" as const },
      server: { ...good.server, state: "refused" as const },
    };
    const rights = { ...good, ami: { ...good.ami, problem: "Asterisk refuses Status" } };
    const seen = [bad, refused, rights].flatMap(troublesOf).map(({ code }) => code);
    expect(new Set(seen)).toEqual(new Set(TROUBLE_CODES));
  });
});
