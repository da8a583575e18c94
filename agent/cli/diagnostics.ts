import { strToU8, zipSync } from "fflate";
import { scrub } from "../../shared/log.ts";
import { askCalls, askGaps, askStatus } from "../control/ask.ts";
import type { Settings } from "../settings.ts";
import { doctor } from "./doctor/doctor.ts";
import { readLog } from "./logs.ts";
import { outboxLook } from "./outbox.ts";
import { withoutSecrets } from "./settings-view.ts";
import { versions } from "./versions.ts";

const LOG_LINES = 2_000;
const CALLS = 200;

/**
 * What support needs, by an allow-list: what is not named here is not in it. Log lines and what others said have every
 * number long enough to be a telephone's made unreadable; calls come only with `withCalls`.
 */
export async function diagnostics(
  settings: Settings,
  configFile: string,
  options: { withCalls: boolean; logFile?: string | undefined },
): Promise<Uint8Array> {
  const { path } = settings.outbox;
  const files: Record<string, unknown> = {
    "versions.json": versions(),
    "settings.json": withoutSecrets(settings, "(hidden)"),
    "status.json": await askStatus(path),
    "doctor.json": await doctor(settings, configFile),
    "gaps.json": await askGaps(path),
    "outbox.json": await outboxLook(path),
    ...(options.withCalls ? { "calls.json": await askCalls(path, CALLS) } : {}),
  };
  const log = (readLog(LOG_LINES, options.logFile) ?? []).map(withoutNumbersInLine).join("\n");
  const entries = Object.entries(files).map(([name, value]) => [
    name,
    strToU8(`${JSON.stringify(value, withoutOutsiders, 2)}\n`),
  ]);
  return zipSync({ ...Object.fromEntries(entries), "log.txt": strToU8(log) });
}

/** Fields that may quote what Asterisk or the server said, and with it a caller's number. */
const FREE_TEXT = new Set(["reason", "problem", "problems", "detail", "found"]);

function withoutOutsiders(name: string, value: unknown): unknown {
  if (!FREE_TEXT.has(name)) return value;
  if (Array.isArray(value)) return value.map((one) => (typeof one === "string" ? withoutNumbers(one) : one));
  return typeof value === "string" ? withoutNumbers(value) : value;
}

/** A line of the log without what may be a telephone's number: in a JSON line only its texts can have one, and not its time. */
export function withoutNumbersInLine(line: string): string {
  try {
    return JSON.stringify(JSON.parse(line), (name, value: unknown) =>
      typeof value === "string" && name !== "time" ? withoutNumbers(value) : value,
    );
  } catch {
    return withoutNumbers(line);
  }
}

/** No site key, no number of six digits or more, also with the signs people put between them; a date and an IP address are none. */
export function withoutNumbers(text: string): string {
  return scrub(text).replaceAll(/\d{4}-\d\d-\d\d(?!\d)|\+?\d(?:[ ()/-]{0,2}\d){5,}/g, (found) =>
    /^\d{4}-\d\d-\d\d$/.test(found) ? found : "(number)",
  );
}
