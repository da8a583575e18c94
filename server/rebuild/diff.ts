import type { CallRow } from "../store/writeCalls.ts";
import type { ParticipantRow } from "../store/writeParticipants.ts";
import type { StepRow } from "../store/writeSteps.ts";
import type { FieldChange, ParticipantChange, StepChange } from "./types.ts";

type Columns = Record<string, unknown>;

/** What differs between two rows of calls, by column. What only the writer uses (proof, first event, receipt) is left out. */
export function compareCalls(before: CallRow | undefined, after: CallRow): FieldChange[] {
  return compareColumns(before === undefined ? {} : callColumns(before), callColumns(after));
}

/** By place in the ring order. */
export function compareParticipants(
  before: readonly ParticipantRow[],
  after: readonly ParticipantRow[],
): ParticipantChange[] {
  const known = new Map(before.map((row) => [row.ringOrder, row]));
  const told = new Map(after.map((row) => [row.ringOrder, row]));
  const places = [...new Set([...known.keys(), ...told.keys()])].sort((a, b) => a - b);
  return places.flatMap((ringOrder): ParticipantChange[] => {
    const [was, is] = [known.get(ringOrder), told.get(ringOrder)];
    const fields = compareColumns(was && participantColumns(was), is && participantColumns(is));
    const extension = (is ?? was)?.extension ?? "";
    return fields.length === 0 ? [] : [{ ringOrder, extension, kind: kindOf(was, is), fields }];
  });
}

/** By identity. A step that somebody was told of is never taken back, so it is no change when it is no longer told. */
export function compareSteps(
  before: readonly (StepRow & { sent: boolean })[],
  after: readonly StepRow[],
): StepChange[] {
  const known = new Map(before.map((row) => [identityOf(row), row]));
  const told = new Map(after.map((row) => [identityOf(row), row]));
  return [...new Set([...told.keys(), ...known.keys()])].flatMap((name): StepChange[] => {
    const [was, is] = [known.get(name), told.get(name)];
    const any = is ?? was;
    if (any === undefined || (is === undefined && was?.sent === true)) return [];
    const fields = compareColumns(was && stepColumns(was), is && stepColumns(is));
    const { leg, type, nth } = any;
    return fields.length === 0 ? [] : [{ leg, type, nth, kind: kindOf(was, is), fields }];
  });
}

function identityOf({ leg, type, nth }: StepRow): string {
  return `${type} ${nth} ${leg}`;
}

function kindOf(was: unknown, is: unknown): "new" | "changed" | "gone" {
  if (was === undefined) return "new";
  return is === undefined ? "gone" : "changed";
}

function compareColumns(before: Columns = {}, after: Columns = {}): FieldChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((field) => {
    const [from, to] = [before[field], after[field]];
    return canonical(from) === canonical(to) ? [] : [{ field, from, to }];
  });
}

/** JSON with the members of objects in one order, whatever order they came in. */
function canonical(value: unknown): string {
  const sorted = (_: string, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify(value, sorted) ?? "null";
}

function callColumns(row: CallRow): Columns {
  const extra = Object.entries(row.extraData).map(([name, value]) => [`extra_data.${name}`, value]);
  return {
    call_type: row.callType,
    call_status: row.callStatus,
    phone_number: row.phoneNumber,
    trunk: row.trunk,
    main_extension: row.mainExtension,
    extensions_count: row.extensionsCount,
    start_time: iso(row.startTime),
    end_time: iso(row.endTime),
    duration: row.duration,
    data_source: row.dataSource,
    state: row.state,
    incomplete: row.incomplete,
    event_count: row.eventCount,
    ...(Object.fromEntries(extra) as Columns),
  };
}

function participantColumns(row: ParticipantRow): Columns {
  const info = Object.entries(row.info).map(([name, value]) => [`extension_info.${name}`, value]);
  return {
    extension: row.extension,
    participant_status: row.status,
    ring_duration: row.ringDuration,
    dial_start: iso(row.dialStart),
    answer_time: iso(row.answerTime),
    hangup_time: iso(row.hangupTime),
    disconnect_reason: row.disconnectReason,
    ...(Object.fromEntries(info) as Columns),
  };
}

function stepColumns(row: StepRow): Columns {
  return {
    event_sequence: row.sequence,
    event_timestamp: iso(row.at),
    data_source: row.dataSource,
    raw_data: row.raw,
  };
}

/** PostgreSQL keeps microseconds, a double of epoch ms not always: what people see is ms. */
function iso(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(Math.round(epochMs)).toISOString();
}
