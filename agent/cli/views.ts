import type { AmiEvent } from "../../shared/ami-event.ts";
import { header } from "../../shared/ami-event.ts";
import type { BlindPeriod } from "../control/blind.ts";
import type { SeenCall } from "../control/calls.ts";
import type { OutboxLook } from "../outbox/look.ts";
import type { Check } from "./doctor/checks.ts";
import { clock, duration, harmless, moment } from "./format.ts";
import { say } from "./phrases/phrases.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";
import type { Words } from "./words/words.ts";
import type { Voice } from "./voice.ts";

/** What to do about a check that is not good: about just what was found, else about the check. */
export function remedyOf({ name, found }: Check, { words, language }: Voice): string {
  return say(found, language).next ?? words.checks[name][1];
}

/** What was found stands beside the check where there is so much room for it, else below. */
const FOUND_COLUMNS_MIN = 24;

export function viewChecks(checks: readonly Check[], voice: Voice): string {
  const { words, paint, columns, language } = voice;
  const results = Math.max(...Object.values(words.results).map(({ length }) => length));
  const titles = Math.max(...checks.map(({ name }) => words.checks[name][0].length));
  const indent = results + titles + 4;
  const rows = checks.map(({ name, result, found }) => {
    const label = paint(result, words.results[result]) + " ".repeat(results - words.results[result].length);
    const [title, text] = [words.checks[name][0], say(found, language).text];
    return columns < indent + FOUND_COLUMNS_MIN
      ? `${wrap(`${label}  ${title}`, columns, 4)}\n${wrap(`    ${text}`, columns, 4)}`
      : wrap(`${label}  ${title.padEnd(titles)}  ${text}`, columns, indent);
  });
  const todo = checks.filter(({ result }) => result === "warn" || result === "fail");
  const remedies = todo.map((check) =>
    wrap(`  ${paint(check.result, words.checks[check.name][0])}: ${remedyOf(check, voice)}`, columns, 4),
  );
  return [...rows, ...(remedies.length === 0 ? [] : ["", `${words.columns.remedy}:`, ...remedies])].join("\n");
}

export function viewCalls(calls: readonly SeenCall[], nowMs: number, { texts, words }: Voice): string {
  if (calls.length === 0) return words.none;
  const { began, from, to, length, outcome } = words.columns;
  const rows = calls.map((call) => [
    moment(call.started_at),
    harmless(call.from),
    harmless(call.to),
    duration((call.ended_at ?? nowMs) - call.started_at, texts),
    outcomeOf(call, words),
  ]);
  return table([began, from, to, length, outcome], rows);
}

function outcomeOf({ ended_at, answered }: SeenCall, words: Words): string {
  const talk = answered ? words.answered : words.unanswered;
  return ended_at === null ? `${words.running}, ${talk}` : talk;
}

export function viewGaps(gaps: readonly BlindPeriod[], { texts, words }: Voice): string {
  if (gaps.length === 0) return words.none;
  const { began, length, cause, lost, repaired } = words.columns;
  const rows = gaps.map((gap) => [
    moment(gap.from),
    duration(gap.to - gap.from, texts),
    words.causes[gap.cause],
    gap.count === null ? "" : String(gap.count),
    gap.repair === null ? "" : words.repairs[gap.repair.result],
  ]);
  const head = [began, length, cause, lost];
  const told = gaps.some(({ repair }) => repair !== null);
  return table(told ? [...head, repaired] : head, told ? rows : rows.map((row) => row.slice(0, head.length)));
}

export function viewOutbox(
  path: string,
  running: boolean,
  look: OutboxLook | null,
  { words, language }: Voice,
): string {
  if (look === null) return `${path}: ${words.none}`;
  const { stream, first, seq, at, reason } = words.columns;
  const ranges = (list: readonly (readonly [number, number])[]) =>
    list.length === 0 ? words.none : list.map(([lo, hi]) => `${lo}-${hi}`).join(", ");
  const aside = look.set_aside.map((event) => [String(event.seq), moment(event.at), say(event.reason, language).text]);
  return [
    running ? path : `${path} ${words.outbox.offline}`,
    `${words.outbox.held}: ${look.held === null ? words.none : ranges([look.held])}`,
    `${words.outbox.acked}: ${ranges(look.acked)}`,
    `${words.outbox.streams}:`,
    table(
      [stream, first],
      look.streams.map((one) => [one.stream, String(one.base)]),
    ),
    `${words.outbox.setAside}: ${aside.length === 0 ? words.none : ""}`.trimEnd(),
    ...(aside.length === 0 ? [] : [table([seq, at, reason], aside)]),
  ].join("\n");
}

/** One event on one line: what happened to which channel. */
export function viewEvent(event: AmiEvent, nowMs: number): string {
  const parts = ["Channel", "DestChannel", "Exten", "DialStatus", "ChannelStateDesc", "Cause-txt", "Cause"]
    .flatMap((name) => header(event, name) ?? [])
    .slice(0, 4);
  return harmless(`${clock(nowMs)}  ${event.Event.padEnd(22)} ${parts.join("  ")}`.trimEnd());
}

export function viewCall(call: SeenCall, nowMs: number, { words }: Voice): string {
  const who = harmless(`${call.from === "" ? "?" : call.from} -> ${call.to === "" ? "?" : call.to}`);
  return `${clock(nowMs)}  ${who.padEnd(30)} ${outcomeOf(call, words)}`;
}
