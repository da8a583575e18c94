import { strToU8, zipSync } from "fflate";
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
 * What support needs, by an allow-list: what is not named here is not in it. Log lines, the only free text, have every
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
  const log = (readLog(LOG_LINES, options.logFile) ?? []).map(withoutNumbers).join("\n");
  const entries = Object.entries(files).map(([name, value]) => [
    name,
    strToU8(`${withoutOutsiders(JSON.stringify(value, null, 2))}\n`),
  ]);
  return zipSync({ ...Object.fromEntries(entries), "log.txt": strToU8(log) });
}

/** The event a server refused carries its reason only; reasons may quote an event. */
function withoutOutsiders(text: string): string {
  return text.replaceAll(/("reason": ")([^"]*)/g, (_, start: string, reason: string) => start + withoutNumbers(reason));
}

/** Times and the words around stay; what has six digits or more and is no time of ours does not. */
export function withoutNumbers(line: string): string {
  return line.replaceAll(/(?<![\w.:-])\+?\d{6,}(?![\w:-])/g, "(number)");
}
