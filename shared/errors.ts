/** Exit statuses of every command. 78 is EX_CONFIG of sysexits.h: a supervisor must not restart on it. */
export const EXIT = { ok: 0, warning: 1, critical: 2, configuration: 78 } as const;

/** Whether trying again can help: `yes` by itself, `later` after waiting, `no` until somebody changes something. */
export type Retry = "yes" | "later" | "no";

export interface Failure {
  /** Closed word for programs, e.g. `key_refused`. */
  code: string;
  /** What was attempted, in words: "send a batch". */
  attempted: string;
  /** On what: a path, a URL without credentials, a call. */
  on: string;
  /** What came back. */
  found: string;
  retry: Retry;
  /** What the operator does next. */
  next: string;
  cause?: unknown;
}

/** An error that says what was attempted, on what, what came of it, whether to retry, and what to do next. */
export class RingpostError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(describeFailure(failure), failure.cause === undefined ? {} : { cause: failure.cause });
    this.name = "RingpostError";
    this.failure = failure;
  }

  get code(): string {
    return this.failure.code;
  }
}

/** One setting that cannot be used. `found` is already free of secrets. */
export interface SettingProblem {
  /** As the operator writes it: `[ami] port`, or the variable's name. */
  setting: string;
  found: string;
  allowed: string;
}

/** The configuration cannot be used; every problem at once. Ends the process with EXIT.configuration. */
export class ConfigurationError extends Error {
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map(describeProblem).join("\n"));
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

export function describeProblem({ setting, found, allowed }: SettingProblem): string {
  return `${setting}: found ${found}; allowed: ${allowed}`;
}

function describeFailure({ attempted, on, found, next }: Failure): string {
  return `cannot ${attempted} (${on}): ${found}. ${next}`;
}

/** The message of whatever was thrown, with the system code (ENOSPC, ECONNREFUSED) that a message may lack. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const code = codeOf(thrown);
  const message = thrown.message === "" ? thrown.name : thrown.message;
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

/** The `code` of a system, SQLite or PostgreSQL error, looked for in its causes too; undefined when there is none. */
export function codeOf(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < CAUSE_DEPTH_MAX; error = error.cause, depth++) {
    const code: unknown = "code" in error ? error.code : undefined;
    if (typeof code === "string") return code;
  }
  return undefined;
}

const CAUSE_DEPTH_MAX = 8;
