import type { AssembledCall, Participant } from "../../server/assemble/index.ts";
import type { Truth, TruthCall, TruthLeg, TruthParticipant } from "./truth.ts";

/** One field that is not as it was: path, what the truth says, what assembly says. */
export interface Difference {
  path: string;
  truth: unknown;
  assembled: unknown;
}

/** CALL-MODEL.md's words for truth.json's. */
const REASONS: Readonly<Record<string, string>> = {
  external_hangup: "callee_hangup",
  pbx_restart: "lost",
  pbx_crash: "lost",
  caller_cancel: "caller_hangup",
};
const STATUSES: Readonly<Record<string, string>> = { declined: "busy" };
const TOLERANCE_MS = 1_000;
const TOLERANCE_SECONDS = 1;

/** `plain`: only what class `call` alone can show. */
export interface CompareOptions {
  plain: boolean;
}

/** When Asterisk goes down it keeps its last events back for a second or more: their times are the agent's. */
const TOLERANCE_GOING_DOWN_MS = 2_000;

function given<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/** Every difference between the calls and the truth; none is success. */
export function compareCalls(truth: Truth, calls: AssembledCall[], options: CompareOptions): Difference[] {
  const expected = truth.calls.filter((call) => call.label !== "consult");
  const differences = expected.flatMap((call) => {
    const path = call.label ?? call.linkedid;
    const assembled = calls.find((candidate) => candidate.linkedid === call.linkedid);
    if (assembled === undefined) return [{ path, truth: call.linkedid, assembled: "no such call" }];
    return compareCall(truth, call, assembled, options).map((difference) => ({
      ...difference,
      path: `${path}.${difference.path}`,
    }));
  });
  const known = new Set(expected.map((call) => call.linkedid));
  const extra = calls.filter((call) => !known.has(call.linkedid)).map((call) => call.linkedid);
  return extra.length === 0 ? differences : [...differences, { path: "calls", truth: "no more", assembled: extra }];
}

function compareCall(truth: Truth, call: TruthCall, row: AssembledCall, options: CompareOptions): Difference[] {
  const found: Difference[] = [];
  const check = (path: string, expected: unknown, value: unknown, ...alternatives: unknown[]): void => {
    if (![expected, ...alternatives].some((good) => good === value))
      found.push({ path, truth: expected, assembled: value });
  };
  check("ended", true, row.ended);
  check("call_type", call.direction, row.callType);
  check("call_status", call.call_status, row.callStatus, call.call_status_alt?.split(" ")[0]);
  check("phone_number", call.external_number ?? null, row.phoneNumber);
  if (call.trunk !== undefined) check("trunk", call.trunk, row.trunk);
  compareMain(call, row, check);
  compareTimes(truth, call, row, found);
  if (call.participants !== undefined) compareParticipants(truth, call, row, found, options);
  if (call.participants !== undefined) compareSteps(call, row, found);
  compareTalk(truth, call, row, found);
  compareExtra(truth, call, row, check, options);
  return found;
}

type Check = (path: string, expected: unknown, value: unknown, ...alternatives: unknown[]) => void;

function compareMain(call: TruthCall, row: AssembledCall, check: Check): void {
  const main = call.outcome === undefined ? (call.main_extension ?? null) : mainOfLoad(call);
  check("main_extension", main, row.mainExtension, call.main_extension_alt?.split(" ")[0]);
}

function mainOfLoad(call: TruthCall): string | null {
  if (call.direction === "outgoing") return call.extension ?? null;
  if (call.call_status !== "answered") return null;
  return (call.direction === "internal" ? call.to : call.extension) ?? null;
}

function compareTimes(truth: Truth, call: TruthCall, row: AssembledCall, found: Difference[]): void {
  if (!given(call.start_time)) return;
  const start = call.start_time * 1000;
  near(found, "start_time", start, row.startTime);
  const end = endOf(call);
  if (end === null) return;
  near(found, "end_time", end, row.endTime, goingDown(truth, call) ? TOLERANCE_GOING_DOWN_MS : TOLERANCE_MS);
  near(
    found,
    "duration",
    (end - start) / 1000,
    row.durationSeconds,
    goingDown(truth, call) ? TOLERANCE_GOING_DOWN_MS / 1000 : TOLERANCE_SECONDS,
  );
}

function goingDown(truth: Truth, call: TruthCall): boolean {
  return truth.noHangup === true && call.hangup_by?.startsWith("pbx ") === true;
}

/** "Where a call's end_time is earlier than a leg's hangup_time, the leg counts." */
function endOf(call: TruthCall): number | null {
  if (!given(call.end_time)) return null;
  const legs: TruthLeg[] = [...(call.participants ?? []), ...(call.trunk_legs ?? [])];
  return Math.max(call.end_time, ...legs.map((leg) => leg.hangup_time ?? 0)) * 1000;
}

function near(
  found: Difference[],
  path: string,
  expected: number,
  value: number | null,
  tolerance = TOLERANCE_MS,
): void {
  if (value === null || Math.abs(value - expected) > tolerance) found.push({ path, truth: expected, assembled: value });
}

/** The phone click-to-call rings first places the call: a participant in truth.json, none in the model. */
function participantsOf(call: TruthCall): TruthParticipant[] {
  const rung = call.participants ?? [];
  return call.click_to_call === true ? rung.filter((one) => one.extension !== call.main_extension) : rung;
}

function compareParticipants(
  truth: Truth,
  call: TruthCall,
  row: AssembledCall,
  found: Difference[],
  options: CompareOptions,
): void {
  const expected = participantsOf(call).filter((one) => !options.plain || one.uniqueid !== undefined);
  const want = expected.map((one) => `${one.extension} ${STATUSES[one.status] ?? one.status}`);
  const have = row.participants.map((one) => `${one.extension} ${one.status}`);
  if (want.join() !== have.join()) {
    found.push({ path: "participants", truth: want, assembled: have });
    return;
  }
  for (const [index, one] of expected.entries()) {
    compareParticipant(truth, one, row.participants[index]!, `participants[${index}]`, found);
  }
}

function compareParticipant(
  truth: Truth,
  one: TruthParticipant,
  row: Participant,
  path: string,
  found: Difference[],
): void {
  const reason = REASONS[one.disconnect_reason] ?? one.disconnect_reason;
  if (reason !== row.disconnectReason)
    found.push({ path: `${path}.disconnect_reason`, truth: reason, assembled: row.disconnectReason });
  if (one.ring_order !== row.ringOrder)
    found.push({ path: `${path}.ring_order`, truth: one.ring_order, assembled: row.ringOrder });
  if (one.wave !== row.info["wave"])
    found.push({ path: `${path}.info.wave`, truth: one.wave, assembled: row.info["wave"] });
  const answeredUnseen = truth.connected_at !== undefined && (one.answer_time ?? Infinity) < truth.connected_at;
  if (given(one.ring_duration) && !answeredUnseen)
    near(found, `${path}.ring_duration`, one.ring_duration, row.ringDurationSeconds, TOLERANCE_SECONDS);
  const times = [
    ["dial_start", one.dial_start, row.dialStart],
    ["answer_time", answeredUnseen ? null : one.answer_time, row.answerTime],
    ["hangup_time", one.hangup_time, row.hangupTime],
  ] as const;
  for (const [name, expected, value] of one.status === "answered"
    ? times
    : times.filter(([name]) => name !== "answer_time"))
    if (given(expected))
      near(
        found,
        `${path}.${name}`,
        expected * 1000,
        value,
        reason === "lost" ? TOLERANCE_GOING_DOWN_MS : TOLERANCE_MS,
      );
}

/** start, a dial for each leg that rang, a bridge for each that talked, one hangup: in time order, numbered. */
function compareSteps(call: TruthCall, row: AssembledCall, found: Difference[]): void {
  const types = row.steps.map((step) => step.key.type);
  const expected = expectedSteps(call);
  const have = types.filter((type) => type !== "bridge").join();
  if (have !== expected.join()) found.push({ path: "call_events", truth: expected, assembled: types });
  const bridges = types.filter((type) => type === "bridge").length;
  const [least, most] = expectedBridges(call);
  if (bridges < least || bridges > most)
    found.push({ path: "call_events bridges", truth: `${least}..${most}`, assembled: types });
  const inOrder = row.steps.every(
    (step, index) => step.sequence === index + 1 && step.at >= (row.steps[index - 1]?.at ?? 0),
  );
  if (!inOrder)
    found.push({ path: "call_events order", truth: "1, 2, 3 by time", assembled: row.steps.map((s) => s.at) });
}

function expectedSteps(call: TruthCall): string[] {
  const legs: TruthLeg[] = [
    ...(call.participants ?? []).filter((one) => one.caller !== true),
    ...(call.trunk_legs ?? []),
  ];
  const dialled = legs.filter((leg) => leg.uniqueid !== undefined);
  const dials = Array.from({ length: dialled.length + (call.further_devices ?? 0) }, () => "dial");
  return ["start", ...dials, "hangup"];
}

/** Each leg that talked did so at least once; a consultation that became the call adds its own talk. */
function expectedBridges(call: TruthCall): [number, number] {
  if (call.conference !== undefined) return [1, 1];
  const talked = participantsOf(call).filter((one) => one.status === "answered").length;
  const carried = (call.trunk_legs ?? []).filter((leg) => given(leg.answer_time)).length;
  return [talked + carried, talked + carried + (talked > 1 ? 1 : 0)];
}

function compareTalk(truth: Truth, call: TruthCall, row: AssembledCall, found: Difference[]): void {
  if (!given(call.talk) || truth.connected_at !== undefined || call.conference !== undefined) return;
  const measured = [call.talk, call.talk_measured, call.talk_total].filter((value) => value !== undefined);
  const union = unionSeconds(call);
  const talked = Number(row.extra["talk_seconds"]);
  // Loose: phones stay up while their party is on hold, parked or away; then only the bounds are known.
  const least = call.talkLoose === true ? Math.min(1, ...measured) : Math.min(...measured);
  const most = call.talkLoose === true ? Math.max(...measured, union) : call.talk;
  if (talked < least - TOLERANCE_SECONDS || talked > most + TOLERANCE_SECONDS)
    found.push({ path: "extra.talk_seconds", truth: [...measured, union], assembled: talked });
  const waited = first(call)?.caller === true ? null : waitOf(call);
  if (waited !== null) near(found, "extra.wait_seconds", waited, Number(row.extra["wait_seconds"]), TOLERANCE_SECONDS);
}

/** A phone that was picked up and not connected (call confirmation) has not answered. */
function answeredLegs(call: TruthCall): TruthLeg[] {
  const people = participantsOf(call).filter((one) => one.status === "answered");
  return [...people, ...(call.trunk_legs ?? [])].filter((leg) => given(leg.answer_time));
}

/** Seconds in which any answered leg was up. */
function unionSeconds(call: TruthCall): number {
  let total = 0;
  let reached = 0;
  const legs = answeredLegs(call);
  for (const leg of legs.toSorted((a, b) => a.answer_time! - b.answer_time!)) {
    const end = leg.hangup_time ?? leg.answer_time! + call.talk!;
    total += Math.max(0, end - Math.max(reached, leg.answer_time!));
    reached = Math.max(reached, end);
  }
  return total;
}

/** Who answered first; when somebody picked the call up, their own call was answered before they had this one. */
function first(call: TruthCall): TruthParticipant | undefined {
  const answered = participantsOf(call).filter((one) => given(one.answer_time));
  return answered.toSorted((a, b) => a.answer_time! - b.answer_time!)[0];
}

function waitOf(call: TruthCall): number | null {
  if (!given(call.start_time) || call.participants === undefined) return null;
  const answers = answeredLegs(call).map((leg) => leg.answer_time!);
  if (answers.length > 0) return Math.min(...answers) - call.start_time;
  const end = endOf(call);
  return end === null ? null : end / 1000 - call.start_time;
}

function compareExtra(truth: Truth, call: TruthCall, row: AssembledCall, check: Check, options: CompareOptions): void {
  const { extra } = row;
  if (given(call.did) && truth.connected_at === undefined) check("extra.did", call.did, extra["did"]);
  if (call.external_name !== undefined) check("extra.caller_name", call.external_name, extra["caller_name"]);
  if (call.caller_hidden === true) check("extra.caller_hidden", true, extra["caller_hidden"]);
  if (call.conference !== undefined) check("extra.conference", call.conference, extra["conference"]);
  if (call.click_to_call === true) check("extra.click_to_call", true, extra["click_to_call"]);
  if (call.trunks_tried !== undefined)
    check("extra.trunks_tried", call.trunks_tried.join(), String(extra["trunks_tried"]));
  if (call.picked_up_for !== undefined)
    check("extra.pickup.for", call.picked_up_for, (extra["pickup"] as { for?: string } | undefined)?.for);
  if (call.parked === true) check("extra.parking", true, Array.isArray(extra["parking"]));
  if (options.plain) return;
  if (call.recording === true) check("extra.recording", true, typeof extra["recording"] === "string");
  if (call.queue !== undefined) check("extra.queue", call.queue, extra["queue"]);
  if (call.voicemail === true) check("extra.voicemail", true, extra["voicemail"] !== undefined);
  if (call.ivr_digits !== undefined)
    check("extra.ivr.digits", call.ivr_digits, (extra["ivr"] as { digits?: string } | undefined)?.digits);
}

/** The diff as a person reads it: a line per field. */
export function explainDifferences(differences: Difference[]): string {
  return differences
    .map(
      ({ path, truth, assembled }) => `${path}: truth ${JSON.stringify(truth)}, assembled ${JSON.stringify(assembled)}`,
    )
    .join("\n");
}
