import { render, shiftId, type Shift } from "../../support/pbx/rewrite.ts";
import type { Random } from "../random.ts";
import type { Journal, PlayedCall } from "./journal.ts";
import type { OraclePbx } from "./pbx.ts";
import type { CallTemplate } from "./templates.ts";

const TICK_MS = 10;
/** Calls last this share of what they lasted in reality, so that a short run sees many of them whole. */
const PACE_MIN = 0.1;
const PACE_MAX = 0.6;
/** Room for the ids of one call. */
const IDS_PER_CALL = 16;

interface Running {
  played: PlayedCall;
  template: CallTemplate;
  shift: Shift;
  startMono: number;
  pace: number;
  next: number;
}

/** Plays whole calls on one PBX at a steady rate of events, each under ids of its own. */
export class Player {
  readonly #pbx: OraclePbx;
  readonly #journal: Journal;
  readonly #templates: readonly CallTemplate[];
  readonly #random: Random;
  readonly #now: () => number;
  readonly #running = new Set<Running>();
  #ratePerSecond: number;
  #budget = 0;
  #lastTick = performance.now();
  #calls = 0;
  #starting = true;
  #timer: NodeJS.Timeout | undefined;
  /** So that two runs, and two PBXs, never use one id twice. */
  readonly #base: number;

  constructor(options: {
    pbx: OraclePbx;
    journal: Journal;
    templates: readonly CallTemplate[];
    random: Random;
    now: () => number;
    eventsPerSecond: number;
    base: number;
  }) {
    this.#pbx = options.pbx;
    this.#journal = options.journal;
    this.#templates = options.templates;
    this.#random = options.random;
    this.#now = options.now;
    this.#ratePerSecond = options.eventsPerSecond;
    this.#base = options.base;
  }

  start(): void {
    this.#lastTick = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  setRate(eventsPerSecond: number): void {
    this.#ratePerSecond = eventsPerSecond;
  }

  /** No new calls; resolves when the running ones have ended. */
  async finish(): Promise<void> {
    this.#starting = false;
    while (this.#running.size > 0) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One whole call at once. */
  playOne(): PlayedCall {
    const run = this.#begin();
    while (run.next < run.template.events.length) this.#raiseNext(run);
    return run.played;
  }

  #tick(): void {
    const now = performance.now();
    this.#budget = Math.min(this.#budget + ((now - this.#lastTick) / 1000) * this.#ratePerSecond, this.#ratePerSecond);
    this.#lastTick = now;
    while (this.#starting && this.#budget > 0) this.#budget -= this.#begin().template.events.length;
    for (const run of this.#running) this.#advance(run, now);
  }

  #begin(): Running {
    const template = this.#random.pick(this.#templates);
    const run: Running = {
      template,
      shift: this.#shift(template),
      startMono: performance.now(),
      pace: PACE_MIN + this.#random.next() * (PACE_MAX - PACE_MIN),
      next: 0,
      played: this.#entry(template),
    };
    run.played.linkedid = shiftId(template.linkedid, run.shift);
    this.#running.add(run);
    return run;
  }

  #entry(template: CallTemplate): PlayedCall {
    const entry: PlayedCall = {
      call: this.#journal.calls.length + 1,
      pbx: this.#pbx.name,
      kind: template.kind,
      linkedid: "",
      truth: template.truth,
      firstNumber: 0,
      lastNumber: 0,
      startedMono: performance.now(),
      endedMono: null,
    };
    this.#journal.calls.push(entry);
    return entry;
  }

  #shift(template: CallTemplate): Shift {
    const slot = this.#base + this.#calls++ * IDS_PER_CALL;
    const ms = this.#now() - template.startedAt;
    return {
      ms,
      seconds: Math.floor(ms / 1000),
      counter: slot - template.footprint.counterMin,
      serial: slot - template.footprint.serialMin,
      bridge: slot,
    };
  }

  #advance(run: Running, now: number): void {
    const { events, startedAt } = run.template;
    while (run.next < events.length && (events[run.next]!.at - startedAt) * run.pace <= now - run.startMono) {
      this.#raiseNext(run);
    }
  }

  #raiseNext(run: Running): void {
    const event = run.template.events[run.next++]!;
    const told = this.#pbx.raise(run.played.call, event.name, render(event.tokens, run.shift));
    if (run.played.firstNumber === 0) run.played.firstNumber = told.number;
    run.played.lastNumber = told.number;
    if (run.next < run.template.events.length) return;
    run.played.endedMono = performance.now();
    this.#running.delete(run);
  }
}
