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
  nextRow: number;
}

/** Where Asterisk logs what it does; `rest`: the row but for its name and time. */
export interface Records {
  write(name: string, at: number, rest: string): void;
}

/** Plays whole calls on one PBX at a steady rate of events, each under ids of its own. */
export class Player {
  readonly #pbx: OraclePbx;
  readonly #journal: Journal;
  readonly #templates: readonly CallTemplate[];
  readonly #random: Random;
  readonly #now: () => number;
  readonly #records: Records | undefined;
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
    records?: Records;
  }) {
    this.#pbx = options.pbx;
    this.#journal = options.journal;
    this.#templates = options.templates;
    this.#random = options.random;
    this.#now = options.now;
    this.#ratePerSecond = options.eventsPerSecond;
    this.#base = options.base;
    this.#records = options.records;
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
      nextRow: 0,
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
    const reached = startedAt + (now - run.startMono) / run.pace;
    this.#writeRows(run, reached);
    while (run.next < events.length && events[run.next]!.at <= reached) this.#raiseNext(run);
  }

  #writeRows(run: Running, reached: number): void {
    const { rows } = run.template;
    for (let row = rows[run.nextRow]; row !== undefined && row.at <= reached; row = rows[++run.nextRow])
      this.#records?.write(row.name, this.#now(), render(row.tokens, run.shift));
  }

  #raiseNext(run: Running): void {
    const event = run.template.events[run.next++]!;
    const told = this.#pbx.raise(run.played.call, event.name, render(event.tokens, run.shift));
    if (run.played.firstNumber === 0) run.played.firstNumber = told.number;
    run.played.lastNumber = told.number;
    if (run.next < run.template.events.length) return;
    this.#writeRows(run, Infinity);
    run.played.endedMono = performance.now();
    this.#running.delete(run);
  }
}
