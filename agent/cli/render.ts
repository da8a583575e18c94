import type { AgentStatus } from "../control/status.ts";
import type { Level } from "./assess.ts";
import type { Texts } from "./texts.ts";

/** The status as lines for people. */
export function renderStatus(status: AgentStatus, level: Level, texts: Texts): string {
  const { ami, server, outbox, now } = status;
  const row = (label: string, text: string) => `${label.padEnd(10)} ${text}`;
  const span = (ms: number) => duration(ms, texts);
  const uptime = span(now - status.started_at);
  return [
    texts.levels[level],
    row(texts.labels.agent, texts.agent(status.version, status.pid, uptime, bytes(status.rss_bytes))),
    row(
      texts.labels.ami,
      texts.since(texts.ami[ami.state], ami.asterisk_version ?? ami.address, span(now - ami.since)),
    ),
    row(texts.labels.server, texts.since(texts.server[server.state], server.url, span(now - server.since))),
    row(texts.labels.outbox, renderOutbox(status, texts)),
    ...remarks(status, texts),
    ...[ami.problem, server.problem, outbox.problem]
      .filter((problem) => problem !== null)
      .map((problem) => row(texts.labels.problem, problem)),
  ].join("\n");
}

function renderOutbox({ outbox, now }: AgentStatus, texts: Texts): string {
  if (outbox.waiting === 0) return texts.waitingNone(bytes(outbox.used_bytes));
  const age = duration(now - (outbox.oldest_waiting_at ?? now), texts);
  const line = texts.waiting(outbox.waiting, age, bytes(outbox.used_bytes));
  return outbox.drain_seconds === null
    ? line
    : `${line}. ${texts.drains(duration(outbox.drain_seconds * 1000, texts))}`;
}

function remarks({ ami, outbox }: AgentStatus, texts: Texts): string[] {
  const all: (string | false)[] = [
    ami.clock_ahead_ms !== 0 && texts.clockAhead(Math.round(ami.clock_ahead_ms / 1000)),
    outbox.set_aside > 0 && texts.setAside(outbox.set_aside),
    outbox.unwritten > 0 && texts.unwritten(outbox.unwritten),
    outbox.lost > 0 && texts.lost(outbox.lost),
  ];
  return all.filter((text) => text !== false).map((text) => `${" ".repeat(10)} ${text}`);
}

/** The two largest units: `2 h 5 min`. */
export function duration(ms: number, { units }: Texts): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), units.day],
    [Math.floor(seconds / 3_600) % 24, units.hour],
    [Math.floor(seconds / 60) % 60, units.minute],
    [seconds % 60, units.second],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return `0 ${units.second}`;
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

export function bytes(count: number): string {
  if (count < 1024 * 1024) return `${Math.round(count / 1024)} KB`;
  const megabytes = count / (1024 * 1024);
  return megabytes < 1024 ? `${megabytes.toFixed(1)} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}
