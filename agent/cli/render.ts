import type { RepairStatus } from "../recover/repair.ts";
import type { AgentStatus } from "../control/agent-status.ts";
import { troublesOf, type Trouble } from "../control/troubles.ts";
import type { Level } from "./assess.ts";
import { moment } from "./format.ts";
import { say } from "./phrases/phrases.ts";
import type { Voice } from "./voice.ts";
import { wrap } from "./wrap.ts";
import { duration, bytes } from "./format.ts";

const LABEL_CHARACTERS = 10;

/** The status as one screen for people. */
export function renderStatus(status: AgentStatus, level: Level, voice: Voice): string {
  const { texts, words, paint, columns } = voice;
  const { ami, server, calls, now, disk } = status;
  const row = (label: string, text: string) =>
    wrap(`${label.padEnd(LABEL_CHARACTERS)} ${text}`, columns, LABEL_CHARACTERS + 1);
  const span = (ms: number) => duration(ms, texts);
  const rate = ami.state === "connected" ? `, ${words.eventsPerSecond(ami.events_per_second)}` : "";
  const heard = texts.since(texts.ami[ami.state], ami.asterisk_version ?? ami.address, span(now - ami.since));
  const free = disk.free_bytes === null ? words.unknown : words.free(bytes(disk.free_bytes));
  return [
    paint(level, texts.levels[level]),
    row(
      texts.labels.agent,
      texts.agent(status.version, status.pid, span(now - status.started_at), bytes(status.rss_bytes)),
    ),
    row(texts.labels.ami, heard + rate),
    row(
      texts.labels.server,
      texts.since(texts.server[server.state], server.url, span(now - server.since)) + answers(status, voice),
    ),
    row(texts.labels.outbox, renderOutbox(status, voice)),
    row(words.labels.calls, words.calls(calls.today, calls.running)),
    row(words.labels.blind, renderBlind(status, voice)),
    row(words.labels.files, renderRepair(status.repair, voice)),
    row(words.labels.clock, renderClocks(status, voice)),
    row(words.labels.disk, free),
    ...renderTroubles(troublesOf(status), now, voice),
  ].join("\n");
}

function answers({ server, now }: AgentStatus, { texts, words }: Voice): string {
  if (server.last_ack_at === null) return "";
  const latency = server.latency_ms === null ? "" : ` ${words.latency(server.latency_ms)}`;
  return `, ${words.lastAck(duration(now - server.last_ack_at, texts))}${latency}`;
}

function renderOutbox({ outbox, now }: AgentStatus, { texts, words }: Voice): string {
  const size = words.ofBound(bytes(outbox.used_bytes), bytes(outbox.max_bytes));
  if (outbox.waiting === 0) return texts.waitingNone(size);
  const age = duration(now - (outbox.oldest_waiting_at ?? now), texts);
  const line = texts.waiting(outbox.waiting, age, size);
  return outbox.drain_seconds === null
    ? line
    : `${line}. ${texts.drains(duration(outbox.drain_seconds * 1000, texts))}`;
}

function renderBlind({ blind }: AgentStatus, { texts, words }: Voice): string {
  const last = blind.at(-1);
  if (last === undefined) return words.notBlind;
  const total = blind.reduce((sum, { from, to }) => sum + to - from, 0);
  const span = duration(last.to - last.from, texts);
  return words.blind(
    blind.length,
    duration(total, texts),
    `${moment(last.from)}, ${span} (${words.causes[last.cause]})`,
  );
}

/** What of Asterisk's own CEL and CDR could fill in a blind time, and whether it is doing so now. */
function renderRepair({ enabled, sources, waiting, last }: RepairStatus, { words }: Voice): string {
  if (!enabled) return words.repair.off;
  const kinds = [...new Set(sources.map(({ kind }) => kind))].join(", ");
  const can = kinds === "" ? words.repair.nothing : words.repair.from(kinds);
  const rows = waiting.reduce((sum, one) => sum + one.rows, 0);
  const now = waiting.length === 0 ? [] : [words.repair.reading(waiting.length, rows)];
  const before = last === null ? [] : [words.repair.last(words.repairs[last.result], last.rows)];
  return [can, ...now, ...before].join("; ");
}

function renderClocks({ ami, server }: AgentStatus, { texts, words }: Voice): string {
  const seconds = (ms: number) => Math.round(ms / 1000);
  const ahead = server.clock_ahead_ms;
  return words.clocks(
    seconds(ami.clock_ahead_ms),
    ahead === null ? words.unknown : `${seconds(ahead)} ${texts.units.second}`,
  );
}

/** What a trouble is and what to do about it, in the person's language. */
export function adviceOf({ code, detail }: Trouble, { words, language }: Voice): { found: string; remedy: string } {
  const { text, next } = say(detail ?? "", language);
  return { found: text, remedy: next ?? words.remedies[code] };
}

function renderTroubles(troubles: readonly Trouble[], now: number, voice: Voice): string[] {
  const { texts, words, paint, columns } = voice;
  if (troubles.length === 0) return [];
  const lines = troubles.flatMap((trouble) => {
    const { code, level, since } = trouble;
    const { found, remedy } = adviceOf(trouble, voice);
    const when = since === null ? "" : ` ${words.since(moment(since))} (${duration(now - since, texts)})`;
    return [
      `  ${paint(level, code)}${when}`,
      ...(found === "" ? [] : [wrap(`    ${found}`, columns, 4)]),
      wrap(`    -> ${remedy}`, columns, 7),
    ];
  });
  return ["", words.labels.troubles, ...lines];
}
