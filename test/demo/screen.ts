import { createColors } from "picocolors";
import type { Words } from "./words.ts";

/** A call as `server -- calls --follow --json` tells it. */
export interface ToldCall {
  id: number;
  unique_id: string;
  call_type: "incoming" | "outgoing" | "internal";
  call_status: "answered" | "no_answer" | "busy" | "failed" | null;
  state: "running" | "ended" | "final";
  phone_number: string | null;
  trunk: string | null;
  main_extension: string | null;
  data_source: string;
  participants: { extension: string; status: string; ring_duration: number | null }[];
}

const WIDTHS = [8, 10, 13, 8, 14, 50];

/** Where the account is printed: aligned lines, colours only on a terminal. */
export class Screen {
  readonly paint;
  readonly #out: (text: string) => void;
  readonly #now: () => number;
  readonly #words: Words;
  readonly #last = new Map<number, string>();

  constructor(options: { out: (text: string) => void; colour: boolean; words: Words; now: () => number }) {
    this.paint = createColors(options.colour);
    this.#out = options.out;
    this.#now = options.now;
    this.#words = options.words;
  }

  line(text = ""): void {
    this.#out(text);
  }

  heading(): void {
    const { colTime, colDirection, colNumber, colTrunk, colStatus, colWho, colSource } = this.#words;
    this.line(this.paint.dim(columns([colTime, colDirection, colNumber, colTrunk, colStatus, colWho, colSource])));
  }

  /** One line when a call's visible part changed. */
  call(call: ToldCall): void {
    const status = this.#statusOf(call);
    const who = call.participants.map(({ extension, status, ring_duration: ring }) =>
      ring === null ? `${extension}:${status}` : `${extension}:${status}(${ring})`,
    );
    if (call.call_type === "outgoing" && call.main_extension !== null) {
      who.unshift(this.#words.placedBy(call.main_extension));
    }
    const cells = [this.#words[call.call_type], call.phone_number ?? "-", call.trunk ?? "-", status, who.join(" ")];
    const text = columns([...cells, call.data_source], WIDTHS.slice(1));
    if (this.#last.get(call.id) === text) return;
    this.#last.set(call.id, text);
    this.line(`${this.#clock()}  ${this.#colourOf(call)(text)}`);
  }

  gone(id: number): void {
    if (this.#last.delete(id)) this.line(`${this.#clock()}  ${this.paint.dim(`#${id}: ${this.#words.merged}`)}`);
  }

  /** What is not a call: the outage and what follows it. */
  event(text: string): void {
    this.line(`${this.#clock()}  ${this.paint.bold(this.paint.yellow(`-- ${text}`))}`);
  }

  #statusOf({ state, call_status: status, participants }: ToldCall): string {
    if (state === "final" && status !== null) return this.#words[status];
    if (state === "ended") return this.#words.waits;
    if (participants.some((participant) => participant.status === "answered")) return this.#words.talking;
    return participants.some((participant) => participant.status === "dialing")
      ? this.#words.ringing
      : this.#words.begun;
  }

  #colourOf({ state, call_status: status }: ToldCall): (text: string) => string {
    if (state !== "final") return (text) => text;
    return status === "answered" ? this.paint.green : this.paint.red;
  }

  #clock(): string {
    return new Date(this.#now()).toTimeString().slice(0, 8);
  }
}

function columns(cells: readonly string[], widths: readonly number[] = WIDTHS): string {
  return cells
    .map((text, i) => text.padEnd(widths[i] ?? 0))
    .join("  ")
    .trimEnd();
}
