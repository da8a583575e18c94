import { pino, type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Bytes kept for a reader of the log that has stalled; beyond it lines are dropped, so that logging never stops the process. */
const UNWRITTEN_BYTES_MAX = 4 * 1024 * 1024;

const SECRET_NAMES = ["secret", "key", "token", "password", "authorization", "Authorization"];
const SECRET_PATHS = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

/** Site keys and bearer tokens wherever they stand in a line: in a message, a URL, an error's text. */
const SITE_KEY = /\brp_(\d+)_[A-Za-z0-9_-]+/g;
const BEARER = /\b(bearer\s+)[A-Za-z0-9._~+/=-]+/gi;

export interface LogOptions {
  name: string;
  level?: LogLevel;
  /** Where the lines go; the process's stderr unless given. */
  destination?: DestinationStream;
}

/** A logger that writes one JSON line per event of note and never a secret. */
export function createLogger({ name, level = "info", destination }: LogOptions): Logger {
  const target = destination ?? pino.destination({ fd: 2, sync: false, maxLength: UNWRITTEN_BYTES_MAX });
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: "[redacted]" },
      hooks: { streamWrite: scrub },
    },
    target,
  );
}

/** Text with every site key and bearer token in it made unreadable. */
export function scrub(text: string): string {
  return text.replace(SITE_KEY, "rp_$1_[redacted]").replace(BEARER, "$1[redacted]");
}
