import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Clock } from "../clock.ts";
import { BlindLog } from "./blind.ts";
import { CallWatch, localDay } from "./calls.ts";
import { Rate } from "./rate.ts";
import { TroubleTimes } from "./troubles.ts";

export interface WatchPorts {
  clock: Clock;
  /** Keeps a text between runs of the agent. */
  remember(key: "blind" | "calls_today", text: string): void;
}

/** What passes, counted for whoever asks: calls, blind times, events a second, and every event for a listener. */
export class Watch {
  readonly calls = new CallWatch();
  readonly rate = new Rate();
  readonly troubles = new TroubleTimes();
  blind = new BlindLog(undefined);
  readonly #ports: WatchPorts;
  readonly #listeners = new Set<(event: AmiEvent) => void>();
  #told = 0;

  constructor(ports: WatchPorts) {
    this.#ports = ports;
  }

  /** What earlier runs of the agent saw. */
  resume(known: Readonly<Record<string, string>>): void {
    const seen = this.blind.periods;
    this.blind = new BlindLog(known["blind"]);
    this.blind.addAll(seen);
    const [day, count] = (known["calls_today"] ?? "").split(" ");
    if (day !== undefined && day === localDay(this.#ports.clock.wallMs()))
      this.calls.resume({ day, count: Number(count) });
  }

  see(events: readonly AmiEvent[]): void {
    const now = this.#ports.clock.wallMs();
    this.rate.add(events.length, this.#ports.clock.monoMs());
    for (const event of events) {
      this.calls.see(event, now);
      this.seeGap(event);
      for (const listener of this.#listeners) listener(event);
    }
    this.#rememberCalls();
  }

  /** Also what the outbox has to tell of itself: what it lost, by its own markers. */
  seeGap(event: AmiEvent): void {
    if (this.blind.see(event)) this.#ports.remember("blind", this.blind.toString());
  }

  /** How many are told of every event. */
  get listening(): number {
    return this.#listeners.size;
  }

  onEvent(listener: (event: AmiEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #rememberCalls(): void {
    const { day, count } = this.calls.today;
    if (count === this.#told) return;
    this.#told = count;
    this.#ports.remember("calls_today", `${day} ${count}`);
  }
}
