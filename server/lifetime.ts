import type { Logger } from "../shared/log.ts";

/** What was opened, to be closed in reverse order; each step has a bound, so that stopping takes seconds whatever hangs. */
export interface Lifetime {
  onStop(what: string, close: () => Promise<unknown>): void;
  /** Resolves when everything is closed or gave up waiting; failures are logged, never thrown. */
  stop(): Promise<void>;
}

const stepMsMax = 20_000;

export function lifetime(log: Logger): Lifetime {
  const steps: { what: string; close: () => Promise<unknown> }[] = [];
  return {
    onStop: (what, close) => void steps.push({ what, close }),
    stop: async () => {
      for (let step = steps.pop(); step; step = steps.pop()) await closeOne(step.what, step.close, log);
    },
  };
}

async function closeOne(what: string, close: () => Promise<unknown>, log: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not closed after ${stepMsMax / 1000} s`)), stepMsMax);
  });
  try {
    await Promise.race([close(), bound]);
  } catch (error) {
    log.warn({ err: error, what }, "could not close cleanly");
  } finally {
    clearTimeout(timer);
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
