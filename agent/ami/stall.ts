/**
 * Tells how long bytes may have lain in the socket before they were read. A process that was stopped, or a machine
 * that was asleep, reads a minute's events at once; without `Timestamp` headers nothing else gives them away as old.
 */
export const STALL_TICK_MS = 250;
const STALL_MS_MIN = 1_000;
/** Ticks after a stall in which what is read counts as late: the time to empty the socket's buffers. */
const TICKS_SUSPECT = 2;

export class StallMeter {
  #lastTick: number;
  #stallMs = 0;
  #suspectTicks = 0;

  constructor(monoMs: number) {
    this.#lastTick = monoMs;
  }

  /** To be called every STALL_TICK_MS. */
  tick(monoMs: number): void {
    const lateMs = monoMs - this.#lastTick - STALL_TICK_MS;
    this.#lastTick = monoMs;
    if (lateMs >= STALL_MS_MIN) {
      this.#stallMs = lateMs;
      this.#suspectTicks = TICKS_SUSPECT;
    } else if (this.#suspectTicks > 0) this.#suspectTicks--;
  }

  /** Upper bound of the age of bytes read now, ms; 0 when the process was awake all along. */
  ageMs(monoMs: number): number {
    const lateMs = monoMs - this.#lastTick - STALL_TICK_MS;
    if (lateMs >= STALL_MS_MIN) return lateMs;
    return this.#suspectTicks > 0 ? this.#stallMs : 0;
  }
}
