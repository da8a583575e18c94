/** A backlog request that takes the server longer than this keeps live events waiting behind it. */
const REQUEST_MS_AIM = 250;
const EVENTS_MIN = 50;
const EVENTS_MAX = 1_000;
const BYTES_MIN = 16 * 1024;
/** A batch stands in memory some four times on its way: rows, lines, body, compressed body. */
const BYTES_MAX = 256 * 1024;

/** How much of the backlog goes into one request: grows while the server is quick, shrinks when it is not. */
export class Pace {
  eventsMax = 500;
  bytesMax = BYTES_MAX;
  /** Events per second the server has lately taken, 0 before the first. */
  eventsPerSecond = 0;

  took(elapsedMs: number, events: number): void {
    const rate = (events * 1000) / Math.max(1, elapsedMs);
    this.eventsPerSecond = this.eventsPerSecond === 0 ? rate : this.eventsPerSecond * 0.8 + rate * 0.2;
    if (elapsedMs > REQUEST_MS_AIM) this.eventsMax = Math.max(EVENTS_MIN, this.eventsMax >> 1);
    else if (elapsedMs < REQUEST_MS_AIM / 2) this.eventsMax = Math.min(EVENTS_MAX, Math.ceil(this.eventsMax * 1.5));
  }

  /** The server found a body too large. */
  tooLarge(): void {
    this.bytesMax = Math.max(BYTES_MIN, this.bytesMax >> 1);
  }
}
