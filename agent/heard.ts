/** When AMI was last heard: by the wall clock, and by the machine's monotonic one since the boot it names. */
export interface Heard {
  at: number;
  mono: number;
  boot: string;
}

export interface Moment {
  wallMs: number;
  monoMs: number;
  boot: string;
}

export function heardText({ wallMs, monoMs, boot }: Moment): string {
  return JSON.stringify({ at: wallMs, mono: monoMs, boot } satisfies Heard);
}

/** Undefined for what no agent wrote. */
export function readHeard(text: string | undefined): Heard | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return isHeard(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isHeard(value: unknown): value is Heard {
  const { at, mono, boot } = (value ?? {}) as Partial<Heard>;
  return typeof at === "number" && typeof mono === "number" && typeof boot === "string";
}

/** Then the monotonic clock tells. */
export function isOfThisBoot(heard: Heard, now: Moment): boolean {
  return now.boot !== "" && heard.boot === now.boot;
}

/**
 * Since when nothing was heard, on the wall clock as it stands now; undefined when nothing ever was. `newest` is the
 * newest event of the outbox, which came after the last `heard` of the same boot or belongs to an earlier one; what came
 * after it is as old as it was itself (`lag`) when it was captured. Within
 * one boot the monotonic clock tells, so a clock that was set meanwhile changes nothing; else a time that is not yet is
 * no time at all.
 */
export function silentSince(
  heard: Heard | undefined,
  newest: { at: number; mono: number; lag: number } | null,
  now: Moment,
): number | undefined {
  if (heard !== undefined && isOfThisBoot(heard, now)) {
    const mono =
      newest !== null && newest.mono <= now.monoMs ? Math.max(heard.mono, newest.mono - newest.lag) : heard.mono;
    return now.wallMs - Math.max(0, now.monoMs - mono);
  }
  const known = [heard?.at, newest === null ? undefined : newest.at - newest.lag].filter(
    (at): at is number => at !== undefined,
  );
  if (known.length === 0) return undefined;
  const past = known.filter((at) => at <= now.wallMs);
  return past.length === 0 ? now.wallMs : Math.max(...past);
}
