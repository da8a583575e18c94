import type { StepType } from "../../shared/call.ts";
import type { Origin } from "../../shared/wire.ts";
import { DELIVERY_LIMITS } from "./limits.ts";
import type { ChatSettings } from "./telegram/settings.ts";

/** What an enterprise wants to be told, from `enterprises.settings`. */
export interface DeliverySettings {
  /** On, with a bot and chats. */
  telegram: boolean;
  chats: readonly ChatSettings[];
  /** Within this time after a missed call, an answered one with the same number counts as calling back. */
  callbackMsMax: number;
  /** Steps some integration asked for. */
  integrationSteps: ReadonlySet<StepType>;
  integrations: readonly Integration[];
  /** A hangup that was not seen live and is older than this goes to no chat. */
  downloadedHangupAgeMsMax: number;
}

/** A receiver of webhooks, known by its name within the enterprise. */
export interface Integration {
  name: string;
  steps: ReadonlySet<StepType>;
}

/** The delivery columns of call_events when a step is first written. */
export interface Needs {
  needsTelegram: boolean;
  needsIntegration: boolean;
  processed: boolean;
}

export interface StepFacts {
  type: StepType;
  origin: Origin | "migrated";
  /** When it happened, by the server's clock as far as the PBX's is known, epoch ms. */
  at: number;
  /** When the first event of its call reached the server, by the server's clock, epoch ms. */
  callSince: number;
  /** The database was put back to an older copy, and all of the call had been here before that. */
  toldBefore?: boolean;
}

/**
 * In a call that is known for longer, steps that are no hangups are written only when retention dropped their rows and a late event
 * has the call told again: whoever wanted them was told then.
 */
const STEP_NEWS_MS_MAX = 60 * 86_400_000;

/**
 * Which deliveries a step needs (docs: call_events). Live steps: what the enterprise asked for. Steps that were not seen
 * live: only hangups, and to Telegram only fresh ones. Migrated steps and those told before: none. A step that needs nothing is processed.
 */
export function needsOf(step: StepFacts, settings: DeliverySettings, nowMs: number): Needs {
  const live = step.origin === "live";
  const hangup = step.type === "hangup";
  const retold = !hangup && nowMs - step.callSince > STEP_NEWS_MS_MAX;
  const wanted = step.origin !== "migrated" && (live || hangup) && !retold && step.toldBefore !== true;
  // A time that far ahead is as little news as one that far back: nobody knows how old it is.
  const stale = !live && Math.abs(nowMs - step.at) > settings.downloadedHangupAgeMsMax;
  const needsTelegram = wanted && settings.telegram && !stale;
  const needsIntegration = wanted && settings.integrationSteps.has(step.type);
  return { needsTelegram, needsIntegration, processed: !needsTelegram && !needsIntegration };
}

export interface SendingFacts {
  type: string;
  isLive: boolean;
  /** Since it was owed. */
  ageMs: number;
  /** A later step of its call waits for the same receiver. */
  newerWaits: boolean;
  callRuns: boolean;
}

/**
 * At sending: a live start, dial or bridge that could not be sent for 60 s gives way to the call's present state. While the call runs
 * the newest such step is sent, for it carries that state; when the call is over its hangup does.
 */
export function givesWay({ type, isLive, ageMs, newerWaits, callRuns }: SendingFacts): boolean {
  return type !== "hangup" && isLive && ageMs > DELIVERY_LIMITS.liveAgeMsMax && (newerWaits || !callRuns);
}
