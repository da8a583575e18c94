import type { CallType } from "../../../shared/call.ts";
import { isWithin } from "./hours.ts";
import type { ChatSettings } from "./settings.ts";

/** What is known of a call when one of its steps is written. */
export interface RouteFacts {
  callType: CallType;
  did: string | null;
  /** That were rung, talked or placed the call. */
  extensions: readonly string[];
  /** Final, incoming, and nobody answered. */
  missed: boolean;
  /** Epoch ms. */
  startedAt: number;
  timezone: string;
}

/**
 * Names of the chats that are to be told. Of those that mean the same chat and topic one name stands for all, so that a call
 * has one card there.
 */
export function chatsFor(chats: readonly ChatSettings[], facts: RouteFacts): string[] {
  const wanted = chats.filter((chat) => isWanted(chat, facts));
  return [...new Set(wanted.map((chat) => firstAt(chats, chat).name))];
}

function isWanted(chat: ChatSettings, facts: RouteFacts): boolean {
  if (chat.missedOnly && !facts.missed) return false;
  if (chat.types !== null && !chat.types.has(facts.callType)) return false;
  if (chat.dids !== null && !hasDid(chat.dids, facts.did)) return false;
  const { extensions, hours } = chat;
  if (extensions !== null && !facts.extensions.some((one) => extensions.has(one))) return false;
  return hours === null || isWithin(hours, facts.startedAt, facts.timezone) !== chat.outsideHours;
}

/** Providers write the same number with and without +. */
function hasDid(dids: ReadonlySet<string>, did: string | null): boolean {
  if (did === null) return false;
  return dids.has(did) || dids.has(`+${did}`) || dids.has(did.replace(/^\+/, ""));
}

function firstAt(chats: readonly ChatSettings[], { chat, thread }: ChatSettings): ChatSettings {
  return chats.find((one) => one.chat === chat && one.thread === thread)!;
}
