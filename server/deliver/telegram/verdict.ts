import type { CardStep } from "../../store/telegram/readCard.ts";
import type { CardEnd } from "../../store/telegram/finishCard.ts";
import { givesWay } from "../rules.ts";
import { type CardCall, isMissed } from "./card-call.ts";
import { TELEGRAM_LIMITS } from "./limits.ts";

/** What a card is about to become. */
export interface Prospect {
  call: CardCall;
  steps: readonly CardStep[];
  /** There is a message already. */
  hasMessage: boolean;
  now: number;
  /** A call that ended longer ago (live) gets no card any more. */
  lateMsMax: number;
  /** The same for one whose end was not seen live. */
  downloadedAgeMsMax: number;
  silent: boolean;
}

/** `send`: a new message, with or without a sound. `none`: there is nothing to say; why not. */
export type Verdict =
  | { do: "send"; quiet: boolean }
  | { do: "edit" }
  | { do: "none"; state: CardEnd["state"]; why: string };

const ECHOES = new Set(["callback", "handled", "merged"]);

/** Whether a call's present state becomes a new message, changes the one there is, or comes too late. */
export function judge(prospect: Prospect): Verdict {
  const { call, steps, hasMessage, now } = prospect;
  if (hasMessage) return { do: "edit" };
  const own = steps.filter(({ type }) => !ECHOES.has(type));
  if (own.length === 0) return { do: "none", state: "superseded", why: "there is no card that it could change" };
  if (call.final && isLate(prospect, own)) {
    return { do: "none", state: "given_up", why: "the call ended too long ago for a chat to hear of it now" };
  }
  const fresh = now - Math.min(...own.map(({ createdAt }) => createdAt)) <= TELEGRAM_LIMITS.freshMsMax;
  const open = isMissed(call) && call.callback === null && call.handled === null;
  return { do: "send", quiet: prospect.silent || !(open || fresh) };
}

/** By the server's clock what was seen live, or asked for again; by the PBX's what was not. */
function isLate({ call, now, lateMsMax, downloadedAgeMsMax }: Prospect, own: readonly CardStep[]): boolean {
  const known = own.find(
    ({ type, isLive, createdAt, retrySince }) => (type === "hangup" && isLive) || retrySince - createdAt > 1_000,
  );
  if (known !== undefined) return now - known.retrySince > lateMsMax;
  const since = Math.min(call.endedAt ?? now, ...own.map(({ createdAt }) => createdAt));
  return now - since > downloadedAgeMsMax;
}

/** How each step ends when the call's present state was sent: stale ones gave way to it. */
export function endsOf(call: CardCall, steps: readonly CardStep[], now: number): CardEnd[] {
  return steps.map(({ id, type, isLive, createdAt }, at) => {
    const ageMs = now - createdAt;
    const gone = givesWay({ type, isLive, ageMs, newerWaits: at < steps.length - 1, callRuns: !call.final });
    return gone && !ECHOES.has(type)
      ? { id, state: "superseded", error: "it could not be sent in time: the call has gone on" }
      : { id, state: "sent", error: null };
  });
}
