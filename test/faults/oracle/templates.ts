import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CallStatus, CallType } from "../../../shared/call.ts";
import { loadCapture } from "../../support/pbx/capture.ts";
import { compile, footprintOf, idsOf, type Footprint, type Token } from "../../support/pbx/rewrite.ts";
import { eventFilter, mayRead, RECOMMENDED_RIGHTS } from "../../support/pbx/rights.ts";

/** What a call of this kind must become in PostgreSQL, told by the phones and not by AMI. */
export interface CallTruth {
  callType: CallType;
  callStatus: CallStatus;
  mainExtension: string | null;
  phoneNumber: string | null;
  trunk: string | null;
}

/** One event of a call, cut so that it can be told again under other ids. */
export interface Template {
  name: string;
  at: number;
  tokens: Token[];
}

/** A real call cut out of a capture, ready to be played again under other ids. */
export interface CallTemplate {
  kind: string;
  /** Linkedid in the capture. */
  linkedid: string;
  startedAt: number;
  endedAt: number;
  footprint: Footprint;
  events: Template[];
  /** What Asterisk wrote of it into its channel event log. */
  rows: Template[];
  truth: CallTruth;
}

/** Kinds of calls the oracle plays: each capture holds one call. */
export const KINDS = [
  "incoming_answered",
  "incoming_abandoned",
  "incoming_busy",
  "incoming_no_answer",
  "incoming_declined",
  "outgoing_answered",
  "outgoing_busy",
  "internal_answered",
  "ring_group_answered",
  "ring_group_abandoned",
  "hunt_third_answers",
  "blind_transfer",
  "attended_transfer_refer",
  "queue_ringall_answered",
] as const;

interface TruthFile {
  calls: {
    label: string;
    direction: CallType;
    call_status: CallStatus;
    main_extension: string | null;
    external_number?: string | null;
    trunk?: string | null;
    linkedid: string;
  }[];
}

/** Reads the kinds found under `dir` (one folder each); throws when there is none. */
export function loadTemplates(dir: string): CallTemplate[] {
  const found = KINDS.filter((kind) => existsSync(join(dir, kind, "truth.json")));
  if (found.length === 0) throw new Error(`No captures of single calls below ${dir}.`);
  return found.map((kind) => loadTemplate(join(dir, kind), kind));
}

function loadTemplate(dir: string, kind: string): CallTemplate {
  const capture = loadCapture(dir);
  const ids = idsOf(capture);
  const passes = eventFilter(RECOMMENDED_RIGHTS.eventfilters);
  const events = capture.connections
    .flatMap((connection) => connection.events)
    .filter(({ text }) => mayRead(RECOMMENDED_RIGHTS.read, ["all"], text) && passes(text))
    .map(({ name, at, text }) => ({ name, at, tokens: compile(text, ids) }));
  const truth = JSON.parse(readFileSync(join(dir, "truth.json"), "utf8")) as TruthFile;
  const call = truth.calls.find(({ label }) => label !== "consult")!;
  return {
    kind,
    linkedid: call.linkedid,
    startedAt: events[0]!.at,
    endedAt: events.at(-1)!.at,
    footprint: footprintOf(capture, ids),
    events,
    rows: rowsOf(join(dir, "cel.csv"), ids),
    truth: {
      callType: call.direction,
      callStatus: call.call_status,
      mainExtension: call.main_extension,
      phoneNumber: call.direction === "internal" ? null : (call.external_number ?? null),
      trunk: call.trunk ?? null,
    },
  };
}

const CEL_ROW = /^"([^"]*)","(\d+\.\d+)",(.*)$/gm;

/** Name and time apart: a row is written when it happens. */
function rowsOf(file: string, ids: Set<string>): Template[] {
  return [...readFileSync(file, "utf8").matchAll(CEL_ROW)].map(([, name = "", at, rest = ""]) => ({
    name,
    at: Number(at) * 1000,
    tokens: compile(rest, ids),
  }));
}
