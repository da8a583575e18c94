import type { SipMessage } from "./trace.ts";

/** What one SIP side saw of one call, by its own clock; times in epoch seconds. */
export interface SipLeg {
  who: string;
  /** `uas`: it was called; `uac`: it called. */
  kind: "uas" | "uac";
  callId: string;
  /** User parts of From and To: tells one call of many from another. */
  from: string;
  to: string;
  invite: number;
  ringing?: number;
  answer?: number;
  cancel?: number;
  cancelReason?: string;
  /** Final refusal, 487 for a cancelled call. */
  final?: number;
  finalAt?: number;
  /** Reason header of the refusal. */
  reason?: string;
  bye?: number;
  byeBy?: "this side" | "pbx";
}

/** The legs in a side's messages, one for each Call-ID, in the order they began. */
export function legsOf(who: string, messages: readonly SipMessage[]): SipLeg[] {
  const legs = new Map<string, SipLeg>();
  for (const message of messages) {
    const leg = legs.get(message.callId);
    if (leg !== undefined) follow(leg, message);
    else if (message.method === "INVITE") legs.set(message.callId, begin(who, message));
  }
  return [...legs.values()];
}

function begin(who: string, { sent, at, callId, headers }: SipMessage): SipLeg {
  const [from, to] = [userOf(headers.get("from")), userOf(headers.get("to"))];
  return { who, kind: sent ? "uac" : "uas", callId, from, to, invite: at };
}

function userOf(header = ""): string {
  return /sip:([^@>;]+)@/.exec(header)?.[1] ?? "";
}

function follow(leg: SipLeg, message: SipMessage): void {
  if (message.method === "CANCEL") return cancelled(leg, message);
  if (message.method === "BYE") {
    leg.bye ??= message.at;
    leg.byeBy ??= message.sent ? "this side" : "pbx";
    return;
  }
  if (message.cseqMethod === "INVITE" && message.status !== null && leg.answer === undefined) replied(leg, message);
}

function cancelled(leg: SipLeg, message: SipMessage): void {
  leg.cancel ??= message.at;
  const reason = message.headers.get("reason");
  if (reason !== undefined) leg.cancelReason ??= reason;
}

function replied(leg: SipLeg, { status, at, headers }: SipMessage): void {
  if (status === null || status === 100) return;
  if (status < 200) leg.ringing ??= at;
  else if (status < 300) leg.answer = at;
  else if (leg.final === undefined) {
    leg.final = status;
    leg.finalAt = at;
    const reason = headers.get("reason");
    if (reason !== undefined) leg.reason = reason;
  }
}
