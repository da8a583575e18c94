import type { AmiEvent } from "../../shared/ami-event.ts";
import { firstOf, type Headers } from "../../shared/ami-message.ts";
import type { AsteriskFacts } from "../markers.ts";
import { sleep } from "../sleep.ts";
import type { AmiConnection } from "./connection.ts";

/** Two readings of the start of one process may differ by this much: Uptime is whole seconds. */
const SAME_START_SECONDS_MAX = 5;

/** What the AMI user may not do, by the words of the refusals it got. */
export interface Facts extends AsteriskFacts {
  refused: string[];
}

/** Asks AMI who it is. What it refuses is left out and named in `refused`. */
async function askFacts(connection: AmiConnection): Promise<Facts> {
  const [settings, status] = await Promise.all([connection.action("CoreSettings"), connection.action("CoreStatus")]);
  const refused = [...refusal("CoreSettings", settings), ...refusal("CoreStatus", status)];
  const startedText = [textOf(status, "CoreStartupDate"), textOf(status, "CoreStartupTime")].join(" ").trim();
  return {
    asteriskVersion: textOf(settings, "AsteriskVersion") || undefined,
    amiVersion: connection.amiVersion,
    startedText: startedText || undefined,
    startedAt: epochSeconds(startedText),
    refused,
  };
}

/** As askFacts, but bounded by time: an Asterisk that will not tell is heard all the same. `held` was heard meanwhile. */
export async function askFactsWithin(
  waitMs: number,
  connection: AmiConnection,
  held: readonly AmiEvent[],
  nowMs: number,
): Promise<Facts> {
  const unknown: Facts = { amiVersion: connection.amiVersion, refused: ["CoreSettings and CoreStatus (no answer)"] };
  const enough = new AbortController();
  const late = sleep(waitMs, enough.signal).then(() => unknown);
  const facts = await Promise.race([askFacts(connection), late]).finally(() => enough.abort());
  const booted = held.find((event) => event.Event === "FullyBooted");
  const uptimeSeconds = Number(firstOf(booted?.["Uptime"]) ?? Number.NaN);
  if (facts.startedAt === undefined && !Number.isNaN(uptimeSeconds))
    facts.startedAt = Math.floor(nowMs / 1000) - uptimeSeconds;
  return facts;
}

export function isRefused(headers: Headers): boolean {
  return firstOf(headers["Response"])?.toLowerCase() === "error";
}

/** With allowmultiplelogin = no there is one login at a time, and somebody has it. */
export function isInUse(headers: Headers): boolean {
  return /in use/i.test(textOf(headers, "Message"));
}

function refusal(action: string, headers: Headers): string[] {
  return isRefused(headers) ? [`${action} (${textOf(headers, "Message")})`] : [];
}

function textOf(headers: Headers, name: string): string {
  return firstOf(headers[name]) ?? "";
}

/** CoreStatus tells local time; the agent stands beside Asterisk and has the same zone. */
function epochSeconds(text: string): number | undefined {
  const ms = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** What is remembered of the Asterisk process heard last. */
export type KnownStart = Pick<AsteriskFacts, "startedText" | "startedAt">;

/** Whether this is another Asterisk process than the one heard before; false when nothing can be compared. */
export function isRestart(before: KnownStart | undefined, now: KnownStart): boolean {
  if (before?.startedText !== undefined && now.startedText !== undefined) return before.startedText !== now.startedText;
  if (before?.startedAt === undefined || now.startedAt === undefined) return false;
  return Math.abs(before.startedAt - now.startedAt) > SAME_START_SECONDS_MAX;
}
