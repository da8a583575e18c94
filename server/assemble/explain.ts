import type { CallFold, Leg, Moment } from "./facts/facts.ts";
import { endMoment, endOf } from "./facts/site.ts";
import { readCall } from "./read.ts";
import { readRoles, roleOf, type Roles } from "./reading/directory.ts";
import { readTalk } from "./reading/talk.ts";
import type { AssembledCall, Directory, Participant, Step } from "./types.ts";

/** One line of the ladder: when, who did what to whom, and which row it became. */
export interface Rung {
  /** PBX time, epoch ms. */
  at: number;
  /** Channel ids of the columns the rung joins; `to` null: it concerns one only. */
  from: string | null;
  to: string | null;
  what: string;
  /** The row or column of ours that says so; null: seen, and not a row. */
  becomes: string | null;
  /** Nobody heard it: a row of Asterisk's own files tells it. */
  recovered?: true;
}

/** A channel of the call, a column of the ladder. */
export interface Column {
  id: string;
  channel: string;
  label: string;
}

export interface Explanation {
  columns: Column[];
  rungs: Rung[];
  call: AssembledCall;
}

/** The call as a ladder: every fact that counted in time order, beside the row it became. Local channels are left out. */
export function explainCall(fold: CallFold, directory: Directory): Explanation {
  const call = readCall(fold, directory);
  const roles = readRoles(fold, directory);
  const columns = [...fold.legs.values()].filter((leg) => leg.kind === "real").map((leg) => columnOf(leg, roles));
  const rungs = [
    ...arrivals(fold, call),
    ...ringing(fold, call),
    ...talking(fold, call),
    ...services(fold),
    ...moves(fold),
    ...partings(fold),
  ];
  rungs.push(...lastRungs(call));
  const known = new Set(columns.map((column) => column.id));
  const shown = rungs.map((rung) => ({
    ...rung,
    from: inLadder(fold, known, rung.from),
    to: inLadder(fold, known, rung.to),
  }));
  return { columns, rungs: shown.toSorted((a, b) => a.at - b.at), call };
}

function columnOf(leg: Leg, roles: Roles): Column {
  const role = roleOf(roles, leg);
  const label = role.is === "extension" ? role.number : role.is === "trunk" ? role.peer : leg.peer;
  return { id: leg.id, channel: leg.name, label };
}

/** Local channels have no column: what they do is done by whoever dialled them. */
function inLadder(fold: CallFold, known: Set<string>, id: string | null): string | null {
  let at = id;
  for (let steps = 0; at !== null && !known.has(at) && steps < fold.legs.size; steps++) {
    const leg = fold.legs.get(at);
    const one = leg === undefined || leg.pair === null ? null : (fold.pairs.get(leg.pair)?.one ?? null);
    at = fold.dials.get(leg?.half === 2 && one !== null ? one : at)?.caller ?? null;
  }
  return at !== null && known.has(at) ? at : null;
}

/** Whether a row of Asterisk's own files is what tells it. */
function sourceOf(moment: Moment | null): { recovered?: true } {
  return moment?.event.row === undefined ? {} : { recovered: true };
}

function stepName(call: AssembledCall, match: (step: Step) => boolean): string | null {
  const step = call.steps.find(match);
  return step === undefined ? null : `call_events ${step.sequence} ${step.key.type}`;
}

function arrivals(fold: CallFold, call: AssembledCall): Rung[] {
  const becomes = stepName(call, (step) => step.key.type === "start");
  const callers = [...fold.legs.values()].filter((leg) => leg.kind === "real" && leg.placed);
  const byServer: Rung = { at: call.startTime, from: null, to: null, what: "a server places the call", becomes };
  return [
    ...(call.extra["click_to_call"] === true ? [byServer] : []),
    ...callers.map((leg) => ({
      at: leg.created?.at ?? leg.startEstimate ?? leg.first.at,
      from: leg.id,
      to: null,
      what: `calls ${leg.exten ?? "in"}${leg.callerNumber === null ? "" : ` as ${leg.callerNumber}`}`,
      becomes: leg.id === call.linkedid ? becomes : null,
      ...sourceOf(leg.created ?? leg.first),
    })),
  ];
}

function ringing(fold: CallFold, call: AssembledCall): Rung[] {
  return [...fold.dials.values()].flatMap((dial) => {
    const leg = fold.legs.get(dial.dest);
    if (leg === undefined || leg.kind !== "real") return [];
    const row = call.participants.find((one) => channelsOf(one).includes(leg.name));
    const step = stepName(call, ({ key }) => key.type === "dial" && key.leg === leg.id);
    const rungs: Rung[] = [];
    if (dial.begin !== null) {
      const becomes = [step, row === undefined ? null : `participant ${row.ringOrder}`].filter((text) => text !== null);
      rungs.push({
        at: dial.begin.at,
        from: dial.caller,
        to: leg.id,
        what: "rings",
        becomes: becomes.join(", ") || null,
        ...sourceOf(dial.begin),
      });
    }
    if (dial.end !== null) {
      const end = ringEnd(dial.end.at, dial.caller, leg, dial.status, dial.forward, row);
      rungs.push({ ...end, ...sourceOf(dial.end) });
    }
    return rungs;
  });
}

function channelsOf(one: Participant): string[] {
  const channels = one.info["channels"];
  return Array.isArray(channels) ? channels : [];
}

function ringEnd(
  at: number,
  caller: string | null,
  leg: Leg,
  status: string | null,
  forward: string | null,
  row: Participant | undefined,
): Rung {
  const what = forward === null ? `ringing ends: ${status ?? "?"}` : `forwards to ${forward}`;
  const becomes = row === undefined ? null : `participant ${row.ringOrder} ${row.status}${reasonOf(row)}`;
  return { at, from: leg.id, to: caller, what, becomes };
}

function reasonOf(row: Participant): string {
  return row.status === "answered" || row.disconnectReason === null ? "" : ` (${row.disconnectReason})`;
}

function talking(fold: CallFold, call: AssembledCall): Rung[] {
  const talk = readTalk(fold);
  return talk.conversations.flatMap(({ legs, from, to }) => {
    const [one, other] = legs;
    if (one === undefined || other === undefined) return [];
    const others = legs.length > 2 ? ` (${legs.length} people)` : "";
    const becomes = stepName(call, (step) => step.key.type === "bridge" && step.at === from.at);
    const ids = { from: one.id, to: other.id };
    const begin: Rung = { at: from.at, ...ids, what: `talk${others}`, becomes, ...sourceOf(from) };
    return to === null ? [begin] : [begin, { at: to, ...ids, what: "no longer talk", becomes: null }];
  });
}

function services(fold: CallFold): Rung[] {
  const rungs: Rung[] = [];
  for (const visit of fold.queues) {
    const waits = only(visit.from.at, visit.leg, `waits in queue ${visit.queue}`, "extra.queue");
    rungs.push({ ...waits, ...sourceOf(visit.from) });
    if (visit.to !== null)
      rungs.push(only(visit.to.at, visit.leg, `leaves queue ${visit.queue}: ${visit.outcome}`, null));
  }
  for (const conference of fold.conferences) {
    const joins = only(conference.joined.at, conference.leg, `joins conference ${conference.name}`, "extra.conference");
    rungs.push({ ...joins, ...sourceOf(conference.joined) });
  }
  if (fold.voicemail !== null) {
    rungs.push(
      only(
        fold.voicemail.from,
        fold.voicemail.leg,
        `reaches voicemail ${fold.voicemail.mailbox ?? ""}`,
        "extra.voicemail",
      ),
    );
  }
  for (const leg of fold.legs.values()) {
    for (const { at, digit } of leg.digits) rungs.push(only(at, leg.id, `presses ${digit}`, null));
  }
  return rungs;
}

function only(at: number, leg: string, what: string, becomes: string | null): Rung {
  return { at, from: leg, to: null, what, becomes };
}

function moves(fold: CallFold): Rung[] {
  const rungs: Rung[] = [];
  for (const transfer of fold.transfers) {
    const what = `${transfer.kind} transfer to ${transfer.exten ?? "another call"}`;
    rungs.push({
      at: transfer.moment.at,
      from: transfer.by[0] ?? null,
      to: transfer.transferee,
      what,
      becomes: "extra.transfers",
      ...sourceOf(transfer.moment),
    });
  }
  for (const pickup of fold.pickups) {
    rungs.push({
      at: pickup.moment.at,
      from: pickup.picker,
      to: pickup.target,
      what: "picks up",
      becomes: "extra.pickup",
      ...sourceOf(pickup.moment),
    });
  }
  for (const park of fold.parks) {
    const parked = only(park.from.at, park.parkee, `is parked at ${park.space ?? "?"}`, "extra.parking");
    rungs.push({ ...parked, ...sourceOf(park.from) });
    if (park.to !== null) {
      rungs.push({
        at: park.to.at,
        from: park.parkee,
        to: park.retriever,
        what: `parking ends: ${park.outcome}`,
        becomes: null,
      });
    }
  }
  return rungs;
}

function partings(fold: CallFold): Rung[] {
  return [...fold.legs.values()]
    .filter((leg) => leg.kind === "real")
    .flatMap((leg) => {
      const asked = leg.requests.map((request) => only(request.at, leg.id, "hangs up", null));
      const end = endMoment(leg);
      const at = endOf(leg);
      if (end === null || at === null) return asked;
      const cause = leg.hangup?.cause ?? null;
      const what = leg.hangup === null ? "was not seen to end" : `is gone${cause === null ? "" : ` (cause ${cause})`}`;
      return [...asked, { ...only(at, leg.id, what, null), ...sourceOf(leg.hangup) }];
    });
}

function lastRungs(call: AssembledCall): Rung[] {
  if (call.endTime === null) return [];
  const becomes = `${stepName(call, (step) => step.key.type === "hangup")}, call_status ${call.callStatus}`;
  return [{ at: call.endTime, from: null, to: null, what: "the call ends", becomes }];
}
