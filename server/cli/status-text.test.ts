import { expect, it } from "vitest";
import type { SiteStatus } from "../store/readStatus.ts";
import { messagesFor } from "./messages.ts";
import { statusText } from "./status-text.ts";

const now = new Date("2026-11-24T12:00:00Z");
const say = messagesFor("en", {});
const drain = new Map<number, number | null>();
const seenToday = new Map([[1, 0.9999999]]);

function site(n: number, more: Partial<SiteStatus> = {}): SiteStatus {
  return {
    site: n,
    enterprise_id: "0367",
    enterprise: "Acme",
    timezone: "UTC",
    name: `PBX ${n}`,
    host: `10.0.0.${n}`,
    last_seen: now,
    agent_version: "1",
    ami: "connected",
    asterisk_version: "22",
    problem: null,
    outbox_bytes: 0,
    clock_skew_ms: 0,
    backlog: { waiting: 0, oldest_seq: null, missing: 0 },
    calls_today: { live: 0, downloaded: 0, migrated: 0 },
    calls_running: 0,
    conflicts: 0,
    ...more,
  };
}

const many = Array.from({ length: 100 }, (_, n) => site(n + 1));
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000);

it("of a hundred sites those in trouble come first, worst first, and the rest is counted", () => {
  const sites = many.with(69, site(70, { clock_skew_ms: 60_000 })).with(89, site(90, { last_seen: ago(7_200) }));
  const lines = statusText(sites.with(9, site(10, { ami: "lost" })), [], {
    now,
    say,
    all: false,
    seenToday,
    drain,
  }).split("\n");
  expect(lines.slice(0, 4)).toEqual([
    "sites: 100, in trouble: 3",
    "90 PBX 90: its agent is silent for 2:00:00: is it running, can it reach the server?",
    "10 PBX 10: its agent does not hear Asterisk (AMI lost); on the PBX: ringpost-agent doctor",
    "70 PBX 70: the clock of its agent is off by 1:00: set the time there (NTP)",
  ]);
  expect(lines.slice(6, 9).map((line) => line.split(" ")[0])).toEqual(["90", "10", "70"]);
  expect(lines).toHaveLength(4 + 2 + 20 + 1);
  expect(lines.at(-1)).toBe("and 80 more, all well; to see them: status --all");
});

it("all of them on request, also when most are in trouble", () => {
  expect(statusText(many, [], { now, say, all: true, seenToday, drain }).split("\n")).toHaveLength(3 + 100);
  const silent = many.map((one) => ({ ...one, last_seen: ago(61) }));
  expect(statusText(silent, [], { now, say, all: false, seenToday, drain })).not.toContain("more, all well");
});

it("well is said to be well", () => {
  expect(statusText([site(1)], [], { now, say, all: false, seenToday, drain })).toMatch(
    /^sites: 1, all well\n\n.*\n1 .* 99\.99% /,
  );
});

it("a backlog says how long it still takes, and an outbox that is used twice is a trouble", () => {
  const late = site(1, { backlog: { waiting: 90_000, oldest_seq: 17, missing: 0 }, conflicts: 3 });
  const text = statusText([late], [], { now, say, all: false, seenToday, drain: new Map([[1, 185]]) });
  expect(text).toContain("90000 waiting, from 17, 3:05 more");
  expect(text).toContain("1 PBX 1: 3 events of the last 24 hours came under numbers that other events had already");
});
