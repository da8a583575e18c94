/** Wall-clock time of a place to epoch ms. Pure but for its cache of offsets, which is bounded. */
const CACHED_QUARTERS_MAX = 20_000;
const HOUR_MS = 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Whether the runtime knows this IANA zone. */
export function isZone(zone: string): boolean {
  try {
    return format(zone) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Epoch ms of a wall-clock moment given as if it were UTC. An hour that comes twice (autumn) is its first coming,
 * one that is skipped (spring) is read with the offset from before the change.
 */
export function fromWallClock(wallMs: number, zone: string): number {
  const before = offsetMs(wallMs - 24 * HOUR_MS, zone);
  const first = wallMs - before;
  if (offsetMs(first, zone) === before) return first;
  const after = offsetMs(wallMs + 24 * HOUR_MS, zone);
  const second = wallMs - after;
  return offsetMs(second, zone) === after ? second : first;
}

/** What the zone is ahead of UTC at a moment, ms; the offsets of a zone change on quarters of an hour at most. */
function offsetMs(epochMs: number, zone: string): number {
  const quarter = Math.floor(epochMs / (HOUR_MS / 4));
  const key = `${zone} ${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const computed = computeOffset(quarter * (HOUR_MS / 4), zone);
  if (offsets.size >= CACHED_QUARTERS_MAX) offsets.clear();
  offsets.set(key, computed);
  return computed;
}

function computeOffset(epochMs: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format(zone).formatToParts(epochMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - epochMs;
}

function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, made);
  return made;
}
