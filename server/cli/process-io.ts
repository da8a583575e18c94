import type { Io } from "./context.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** npm hands Ctrl-C on to a process that got it from the terminal already; only a later one means "at once". */
const sameKeypressMs = 1_000;

/** 128 + SIGINT, as shells count. */
const EXIT_INTERRUPTED = 130;

/**
 * This process's terminal, environment and signals. A command that looks at `stop` is left to end by itself; any other ends
 * at once, as does everything on a second Ctrl-C. A closed pipe (`| head`) is no error.
 */
export function processIo(process: NodeJS.Process): Io {
  const stop = new AbortController();
  let stopAskedAt = Number.POSITIVE_INFINITY;
  let stopsByItself = false;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      const now = performance.now();
      if (!stopsByItself || now - stopAskedAt > sameKeypressMs) process.exit(EXIT_INTERRUPTED);
      stopAskedAt = Math.min(stopAskedAt, now);
      stop.abort();
    });
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    error.code === "EPIPE" ? stop.abort() : process.exit(1),
  );
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    env: process.env,
    now: () => new Date(),
    get stop() {
      stopsByItself = true;
      return stop.signal;
    },
  };
}
