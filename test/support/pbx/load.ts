import { setTimeout as sleep } from "node:timers/promises";
import type { Prepared } from "./prepared.ts";
import { render, shiftId, type Shift } from "./rewrite.ts";
import type { Stage } from "./play.ts";

/** Everything due within one turn is sent in it, so that thousands of events a second need no timer each. */
const TURN_MS = 5;

export interface LoadOptions {
  callsPerSecond: number;
  /** Stops starting calls after so many. */
  calls: number;
  /** How many times faster than recorded each call runs. Default 1. */
  speed?: number;
  /** The caller's number in the capture; it becomes prefix + call number, so that every call can be told apart. */
  phone?: { from: string; numbered(call: number): string };
}

export interface Load {
  readonly callsStarted: number;
  readonly eventsPlayed: number;
  /** The Linkedid (or any other id of the capture) as call number `n` (0, 1, ...) has it. */
  id(captured: string, n: number): string;
  /** Resolves when every call has ended, or the load was stopped. */
  done: Promise<void>;
  stop(): void;
}

interface Running {
  shift: Shift;
  beganAt: number;
  next: number;
}

/** Plays a one-call capture over and over, `callsPerSecond` times a second, each call with ids of its own. */
export function startLoad(prepared: Prepared, options: LoadOptions, stage: Stage): Load {
  const events = prepared.connections[0]!.events;
  const speed = options.speed ?? 1;
  const firstAt = events[0]?.at ?? prepared.startedAt;
  const shifts: Shift[] = [];
  const beganAt = stage.now();
  let running: Running[] = [];
  let eventsPlayed = 0;
  const abort = new AbortController();

  const start = (n: number) => {
    const at = beganAt + (n * 1000) / options.callsPerSecond;
    const ms = Math.round(at - firstAt);
    const phone = options.phone && { from: options.phone.from, to: options.phone.numbered(n) };
    const shift = { ms, seconds: Math.floor(ms / 1000), ...stage.claim(prepared, "fresh"), ...(phone && { phone }) };
    shifts.push(shift);
    running.push({ shift, beganAt: at, next: 0 });
  };
  const advance = (call: Running, now: number) => {
    for (let event = events[call.next]; event !== undefined; event = events[++call.next]) {
      if (call.beganAt + (event.at - firstAt) / speed > now) return;
      stage.emit(event.name, render(event.tokens, call.shift));
      eventsPlayed++;
    }
  };
  const run = async () => {
    while (!abort.signal.aborted && (shifts.length < options.calls || running.length > 0)) {
      const now = stage.now();
      const due = Math.min(options.calls, Math.floor(((now - beganAt) * options.callsPerSecond) / 1000) + 1);
      while (shifts.length < due) start(shifts.length);
      for (const call of running) advance(call, now);
      running = running.filter((call) => call.next < events.length);
      await sleep(TURN_MS);
    }
  };

  return {
    get callsStarted() {
      return shifts.length;
    },
    get eventsPlayed() {
      return eventsPlayed;
    },
    id: (captured, n) => {
      const shift = shifts[n];
      if (shift === undefined) throw new Error(`Call ${n} of this load was not started.`);
      return shiftId(captured, shift);
    },
    done: run(),
    stop: () => abort.abort(),
  };
}
