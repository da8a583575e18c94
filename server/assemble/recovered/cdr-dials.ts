import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import { internalNumberIn, parseChannelName, parseDialArguments } from "../names.ts";
import { channel, dest, type Making, tell } from "./cdr-making.ts";
import type { CdrRow } from "./cdr-row.ts";

/** How Dial ended, in the words of a row. */
export const STATUSES: ReadonlyMap<string, string> = new Map([
  ["ANSWERED", "ANSWER"],
  ["NO ANSWER", "NOANSWER"],
  ["BUSY", "BUSY"],
  ["CONGESTION", "CONGESTION"],
  ["FAILED", "CHANUNAVAIL"],
]);

/** A row is of the same run of Dial as the one before when it begins no later than that ended, ms of slack. */
const SAME_RUN_MS = 20;

/** The run of Dial that the row is of, unless another row told it. Returns when it was over; null: it does not begin here. */
export function beginRun(making: Making, row: CdrRow): number | null {
  if (row.application !== "Dial" || !isOfRun(making, row)) return null;
  const known = making.runs.get(row.channel);
  if (known !== undefined && known.data === row.data && row.start <= known.end + SAME_RUN_MS) return null;
  const end = runEnd(making, row);
  making.runs.set(row.channel, { data: row.data, end });
  const { kind, peer } = parseChannelName(row.channel);
  const meant = kind === "local" && parseDialArguments(row.data).length === 0 ? internalNumberIn(peer) : null;
  const variable = { Event: "VarSet", ...channel(making, row, row.channel), Variable: "EXTTOCALL" };
  if (meant !== null) tell(making, row, row.start, { ...variable, Value: meant });
  const run = `start Dial ${row.id} ${row.data}`;
  tell(making, row, dialledAt(making, row), applied(making, row), run);
  return end;
}

/** With the last of those it rang. */
function runEnd({ rows }: Making, row: CdrRow): number {
  const { channel: name, application, data } = row;
  const same = rows.filter((one) => one.channel === name && one.application === application && one.data === data);
  return same.reduce((end, one) => (one.start <= end + SAME_RUN_MS ? Math.max(end, one.end) : end), row.end);
}

/** False for what came of a transfer: the row still names a Dial of before. */
function isOfRun({ begun }: Making, { other, data }: CdrRow): boolean {
  if (other === null) return true;
  const { tech, peer } = parseChannelName(other);
  return !begun.has(other) && parseDialArguments(data).some((to) => to.peer === peer && to.tech === tech);
}

export function dialStatus({ disposition, other }: CdrRow): AmiEvent {
  const status = STATUSES.get(disposition) ?? "NOANSWER";
  const Value = other === null && status !== "ANSWER" ? "CHANUNAVAIL" : status;
  return { Event: "VarSet", Variable: "DIALSTATUS", Value };
}

export function rings(making: Making, row: CdrRow, other: string): AmiEvent {
  const { tech, peer } = parseChannelName(other);
  const [targets = ""] = row.application === "Dial" ? row.data.split(",") : [];
  const asked = targets
    .split("&")
    .find((text) => parseDialArguments(text).some((to) => to.peer === peer && to.tech === tech));
  return {
    Event: "DialBegin",
    ...channel(making, row, row.channel),
    ...dest(making, row, other),
    Exten: header(row.event.ev, "Destination") ?? "",
    DialString: asked?.replace(/^[^/]+\//, "") ?? "",
  };
}

export function applied(making: Making, row: CdrRow): AmiEvent {
  return { Event: "Newexten", ...channel(making, row, row.channel), Application: row.application, AppData: row.data };
}

/** One half of a Local pair dials on when the other was answered. */
export function dialledAt({ rows }: Making, row: CdrRow): number {
  const { pair, half } = parseChannelName(row.channel);
  const other = half === 1 ? rows.find(({ channel: name }) => name === `${pair ?? ""};2`) : undefined;
  return other?.answer ?? row.start;
}
