import type { CallChange, FieldChange, ParticipantChange, StepChange } from "../rebuild/types.ts";
import type { Messages } from "./messages.ts";
import { moment, oneLine } from "./print.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const valueCharsMax = 120;
const fieldChars = 26;

/** A change as a person reads it: the call, then a line for each thing that is told differently. */
export function changeText(change: CallChange, say: Messages): string {
  const { timezone } = change;
  const lines = [
    ...change.fields.map((field) => fieldLine(field, timezone, say)),
    ...change.merged.map((uniqueId) => say.rebuildMerged(uniqueId)),
    ...(change.splitFrom === undefined ? [] : [say.rebuildSplit(change.splitFrom)]),
    ...change.participants.flatMap((one) => participantLines(one, timezone, say)),
    ...change.steps.flatMap((step) => stepLines(step, timezone, say)),
  ];
  const start = moment(new Date(change.startTime), timezone);
  return [say.rebuildCall(change.uniqueId, change.siteId, start), ...lines.map((line) => `  ${line}`)]
    .map(oneLine)
    .join("\n");
}

function participantLines(
  { ringOrder, extension, kind, fields }: ParticipantChange,
  zone: string,
  say: Messages,
): string[] {
  return block(say.rebuildParticipant(ringOrder, extension), kind, fields, zone, say);
}

function stepLines({ leg, type, nth, kind, fields }: StepChange, zone: string, say: Messages): string[] {
  return block(say.rebuildStep(type, leg, nth), kind, fields, zone, say);
}

/** What is new or gone is told in one line, what changed field by field. */
function block(title: string, kind: ChangeKind, fields: readonly FieldChange[], zone: string, say: Messages): string[] {
  if (kind === "changed") return [title, ...fields.map((field) => `  ${fieldLine(field, zone, say)}`)];
  const values = fields
    .filter(({ field }) => field !== "raw_data" && !field.startsWith("extension_info."))
    .map(({ field, from, to }) => ({ field, value: kind === "new" ? to : from }))
    .filter(({ value }) => value !== null && value !== undefined);
  const told = values.map(({ field, value }) => `${field} ${valueText(value, zone, say)}`).join(", ");
  return [`${title} ${kind === "new" ? say.rebuildNew : say.rebuildGone}: ${told}`];
}

type ChangeKind = StepChange["kind"];

function fieldLine({ field, from, to }: FieldChange, zone: string, say: Messages): string {
  return `${field.padEnd(fieldChars)} ${valueText(from, zone, say)} -> ${valueText(to, zone, say)}`;
}

function valueText(value: unknown, zone: string, say: Messages): string {
  if (value === null || value === undefined) return say.rebuildNothing;
  if (typeof value === "string") return ISO.test(value) ? timeText(value, zone) : shorten(value);
  if (isEvent(value)) return value.Event;
  return shorten(JSON.stringify(value));
}

/** To the millisecond: many changes are smaller than a second. */
function timeText(iso: string, zone: string): string {
  return `${moment(new Date(iso), zone)}${iso.slice(19, 23)}`;
}

function isEvent(value: unknown): value is { Event: string } {
  return typeof value === "object" && value !== null && "Event" in value && typeof value.Event === "string";
}

function shorten(text: string): string {
  return text.length > valueCharsMax ? `${text.slice(0, valueCharsMax - 1)}…` : text;
}

/** The same for machines: names as in the tables. */
export function changeJson(change: CallChange): object {
  const { id, uniqueId, siteId, startTime, fields, merged, splitFrom } = change;
  return {
    type: "change",
    id,
    unique_id: uniqueId,
    site: siteId,
    start_time: startTime,
    fields: fieldsJson(fields),
    participants: change.participants.map((one) => ({
      ring_order: one.ringOrder,
      extension: one.extension,
      change: one.kind,
      fields: fieldsJson(one.fields),
    })),
    steps: change.steps.map((step) => ({
      leg: step.leg,
      event_type: step.type,
      nth: step.nth,
      change: step.kind,
      fields: fieldsJson(step.fields),
    })),
    merged,
    split_from: splitFrom ?? null,
  };
}

function fieldsJson(fields: readonly FieldChange[]): Record<string, { from: unknown; to: unknown }> {
  return Object.fromEntries(fields.map(({ field, from, to }) => [field, { from: from ?? null, to: to ?? null }]));
}
