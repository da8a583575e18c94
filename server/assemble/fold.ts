import { MARKERS } from "../../shared/ami-event.ts";
import { onBridgeEnter, onBridgeLeave } from "./facts/bridges.ts";
import { onDialApplication, onDialBegin, onDialEnd, onDialState, onDialStatus, onExtToCall } from "./facts/dials.ts";
import type { CallFold } from "./facts/facts.ts";
import {
  onAttendedTransfer,
  onBlindTransfer,
  onMenu,
  onOriginateResponse,
  onParkedCall,
  onParkEnd,
  onPickup,
  onRecording,
  onVoicemail,
  onVoicemailStatus,
} from "./facts/features.ts";
import {
  legOf,
  onChannelNews,
  onDigit,
  onHangup,
  onHangupRequest,
  onHold,
  onNewchannel,
  onRename,
  onSoftHangupRequest,
  onUnhold,
} from "./facts/legs.ts";
import { pbxTime, steady, text } from "./facts/moment.ts";
import { onAgent, onConferenceJoin, onConferenceLeave, onQueueEnd, onQueueJoin } from "./facts/queues.ts";
import { onAsteriskGone, onCaptureLost, onCaptureStarted, onSnapshot, onSnapshotChannel } from "./facts/site.ts";
import { isSiteMarker, linkKeys } from "./keys.ts";
import { onCelRow } from "./recovered/cel.ts";
import { CALL_EVENTS_MAX, type CallEvent } from "./types.ts";

export type { CallFold } from "./facts/facts.ts";

type Handler = (fold: CallFold, event: CallEvent) => void;

/** What each event means to a call. Anything not named here only counts. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["Newchannel", onNewchannel],
  ["Newstate", onChannelNews],
  ["NewCallerid", onChannelNews],
  ["NewConnectedLine", onChannelNews],
  ["Rename", onRename],
  ["Hangup", onHangup],
  ["HangupRequest", onHangupRequest],
  ["SoftHangupRequest", onSoftHangupRequest],
  ["Hold", onHold],
  ["Unhold", onUnhold],
  ["DTMFEnd", onDigit],
  ["LocalBridge", onLocalBridge],
  ["DialBegin", onDialBegin],
  ["DialEnd", onDialEnd],
  ["DialState", onDialState],
  ["BridgeEnter", onBridgeEnter],
  ["BridgeLeave", onBridgeLeave],
  ["Pickup", onPickup],
  ["BlindTransfer", onBlindTransfer],
  ["AttendedTransfer", onAttendedTransfer],
  ["ParkedCall", onParkedCall],
  ["UnParkedCall", (fold, event) => onParkEnd(fold, event, "retrieved")],
  ["ParkedCallTimeOut", (fold, event) => onParkEnd(fold, event, "timeout")],
  ["ParkedCallGiveUp", (fold, event) => onParkEnd(fold, event, "given_up")],
  ["QueueCallerJoin", onQueueJoin],
  ["QueueCallerAbandon", (fold, event) => onQueueEnd(fold, event, "abandoned")],
  ["QueueCallerLeave", (fold, event) => onQueueEnd(fold, event, "left")],
  ["AgentCalled", onAgent],
  ["AgentConnect", onAgent],
  ["ConfbridgeJoin", onConferenceJoin],
  ["ConfbridgeLeave", onConferenceLeave],
  ["OriginateResponse", onOriginateResponse],
  ["MixMonitorStart", (fold, event) => onRecording(fold, event, text(event, "Filename"))],
  ["Newexten", onNewexten],
  ["VarSet", onVariable],
  ["CoreShowChannel", onSnapshotChannel],
  ["Status", onSnapshotChannel],
  [MARKERS.captureStarted, onCaptureStarted],
  [MARKERS.captureLost, onCaptureLost],
  [MARKERS.snapshot, onSnapshot],
  [MARKERS.asteriskRestarted, onAsteriskGone],
  ["Shutdown", onAsteriskGone],
  ["CEL", onCelRow],
]);

/** A call of which nothing is known yet. */
export function newFold(): CallFold {
  return {
    order: 0,
    eventCount: 0,
    spans: [],
    live: true,
    recovered: false,
    firstAt: null,
    lastAt: 0,
    clocks: { pbx: { lastAt: -Infinity, setBackMs: 0 }, agent: { lastAt: -Infinity, setBackMs: 0 } },
    lastOwn: null,
    keys: new Set(),
    legs: new Map(),
    dials: new Map(),
    attempts: [],
    openAttempts: new Map(),
    extToCall: new Map(),
    pairs: new Map(),
    holdingBridges: new Set(),
    transfers: [],
    parks: [],
    pickups: [],
    queues: [],
    agents: new Map(),
    conferences: [],
    menus: [],
    voicemail: null,
    recordings: [],
    originate: null,
    sessionOrder: null,
    hasRows: false,
    running: new Map(),
    dialEnds: new Map(),
    takers: new Set(),
    forwards: new Map(),
  };
}

/**
 * Takes the next event of the call in the order of inOrder(); a repeated one is ignored. O(1) amortised.
 * Beyond CALL_EVENTS_MAX events are only counted. Throws TypeError when the event has no text in `ev.Event`.
 */
export function foldEvent(fold: CallFold, event: CallEvent): void {
  if (typeof event.ev.Event !== "string") {
    throw new TypeError(`cannot fold stream ${event.stream} seq ${event.seq}: the event has no name; set it aside`);
  }
  const isMarker = isSiteMarker(event.ev);
  const keys = linkKeys(event.ev);
  const own = !isMarker || isOwn(fold, keys);
  if (event.origin === "recovered" && skipsRow(fold, event, own, keys)) return;
  if (!own && isOutlived(fold, event)) return;
  if (event.origin !== "recovered" && !takesPlace(fold, event, isMarker)) return;
  // Rows stand where they belong by their times; a clock that was set is for what was heard.
  const told = event.origin === "recovered" ? event : steady(fold, event, own);
  if (own) count(fold, told, keys);
  if (fold.eventCount > CALL_EVENTS_MAX && event.ev.Event !== "Hangup" && !isMarker) return;
  fold.order += 1;
  HANDLERS.get(event.ev.Event)?.(fold, told);
}

/** Rows of files have no part in the proof: their streams have holes by nature. True: it says nothing that is not told. */
function skipsRow(fold: CallFold, event: CallEvent, own: boolean, keys: readonly string[]): boolean {
  if (own) fold.hasRows = true;
  if (event.told !== true) return false;
  if (own) for (const key of keys) fold.keys.add(key);
  return true;
}

/**
 * A site marker of another outbox, older than what the call has shown since, knows nothing of it: the clone of a machine
 * makes a stream that counts as later, and is gone long before the call. Both times are of agents' clocks.
 */
function isOutlived({ lastOwn }: CallFold, { stream, at }: CallEvent): boolean {
  return lastOwn !== null && lastOwn.stream !== stream && at < lastOwn.at;
}

/** Notes the event's place in its stream. False: it was folded before. */
function takesPlace(fold: CallFold, event: CallEvent, isMarker: boolean): boolean {
  const span = fold.spans.at(-1);
  const known = span !== undefined && span.stream === event.stream;
  if (known && event.seq <= span.lastSeq) return false;
  // A marker proves something only about a call it could have changed.
  if (isMarker && !isOpen(fold)) return true;
  if (known) span.lastSeq = event.seq;
  else fold.spans.push({ stream: event.stream, firstSeq: event.seq, lastSeq: event.seq });
  return true;
}

/** A site's event that names channels (a conference join) reaches every running call, but is of one only. */
function isOwn(fold: CallFold, keys: readonly string[]): boolean {
  return keys.length > 0 && (fold.keys.size === 0 || keys.some((key) => fold.keys.has(key)));
}

function count(fold: CallFold, event: CallEvent, keys: string[]): void {
  const at = pbxTime(event);
  // Of a record several events may be made: it is one all the same.
  if (event.row === undefined || event.ev.Event === "Cdr") fold.eventCount += 1;
  fold.firstAt = fold.firstAt === null ? at : Math.min(fold.firstAt, at);
  fold.lastAt = Math.max(fold.lastAt, at);
  if (event.origin !== "live") fold.live = false;
  if (event.origin === "recovered") fold.recovered = true;
  for (const key of keys) fold.keys.add(key);
  if (event.origin !== "recovered") fold.lastOwn = { stream: event.stream, at: event.at };
}

/** False for a group of events that names no channel (CDR, CEL or user events alone): that is no call. */
export function hasChannels(fold: CallFold): boolean {
  return fold.legs.size > 0;
}

/** True while a channel of the call may still exist. */
export function isOpen(fold: CallFold): boolean {
  for (const leg of fold.legs.values()) if (leg.hangup === null && leg.lost === null) return true;
  return false;
}

function onLocalBridge(fold: CallFold, event: CallEvent): void {
  legOf(fold, event, "LocalOne");
  legOf(fold, event, "LocalTwo");
}

function onNewexten(fold: CallFold, event: CallEvent): void {
  const application = text(event, "Application");
  if (application === "Dial") onDialApplication(fold, event);
  else if (application === "VoiceMail") onVoicemail(fold, event);
  else if (application === "BackGround" || application === "Background" || application === "Read") onMenu(fold, event);
}

function onVariable(fold: CallFold, event: CallEvent): void {
  const variable = text(event, "Variable");
  const value = text(event, "Value");
  if (variable === "DIALSTATUS") onDialStatus(fold, event, value);
  else if (variable === "__EXTTOCALL" || variable === "EXTTOCALL") onExtToCall(fold, event, value);
  else if (variable === "VMSTATUS") onVoicemailStatus(fold, event, value);
  else if (variable === "MIXMONITOR_FILENAME") onRecording(fold, event, value);
}
