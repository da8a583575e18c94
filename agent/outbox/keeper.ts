import { randomUUID } from "node:crypto";
import type { AmiEvent, GapCause } from "../../shared/ami-event.ts";
import { codeOf, messageOf } from "../../shared/errors.ts";
import type { SeqRange } from "../../shared/wire.ts";
import type { Capture, CapturedRow } from "../capture.ts";
import type { Clock } from "../clock.ts";
import { gap, streamContinued, type Gap } from "../markers.ts";
import { Ballast } from "./ballast.ts";
import { classify, describeStorage } from "./failure.ts";
import { UnwrittenRows } from "./memory.ts";
import { openOutbox } from "./opening.ts";
import type { Pending } from "./pending.ts";
import type { Opened, OutboxSettings, OutboxState } from "./protocol.ts";
import { REMEMBERED } from "./protocol.ts";
import { Ranges } from "./ranges.ts";
import { lastOlderThan, pruneOnce } from "./retention.ts";
import type { Segment, Store } from "./store.ts";
import { Windows } from "./windows.ts";

/** Of the streams before a new one, the latest; those before them have long been told. */
const ENDED_STREAMS_TOLD_MAX = 20;
const RESEND_MARGIN_MS = 60_000;

export type Note = (level: "info" | "warn" | "error", text: string, fields: Record<string, unknown>) => void;

export interface KeeperPorts {
  clock: Clock;
  capture: Capture;
  note: Note;
}

/**
 * Keeps the outbox: gives seqs, writes groups durably, remembers what the server has. Modes: writing (rows go to the
 * file) and unwritten (the disk refuses: rows wait in bounded memory, still forwarded and acked, until it takes them).
 */
export class Keeper {
  readonly #settings: OutboxSettings;
  readonly #ports: KeeperPorts;
  readonly #ballast: Ballast;
  readonly unwritten = new UnwrittenRows();
  #store: Store;
  #segments: Segment[];
  #highest: number;
  readonly #highestAtOpen: number;
  /** Acked by the server, or gone for good and told as a gap. */
  #done: Ranges;
  #pending: Pending;
  /** Told as gone since the agent started, so that a server that asks again gets no second marker. */
  readonly #toldGone = new Ranges();
  readonly #windows = new Windows();
  #lost: { count: number; fromMs: number; toMs: number } | null = null;
  #lostTotal = 0;
  #problem: string | null = null;

  constructor(settings: OutboxSettings, ports: KeeperPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#ballast = new Ballast(settings.path);
    const opening = openOutbox(settings.path, ports, this.#ballast);
    this.#store = opening.store;
    this.#segments = opening.segments;
    this.#highest = opening.highest;
    this.#highestAtOpen = opening.highest;
    this.#done = opening.done;
    this.#pending = opening.pending;
    this.#ballast.take();
    if (opening.continues) this.#tellContinued();
    this.#tellSalvaged(opening.gaps);
  }

  get store(): Store {
    return this.#store;
  }

  get done(): Ranges {
    return this.#done;
  }

  get highest(): number {
    return this.#highest;
  }

  get opened(): Opened {
    const entries = REMEMBERED.map((key) => [key, this.#store.recall(key)] as const);
    const known = entries.filter((entry): entry is [(typeof REMEMBERED)[number], string] => entry[1] !== undefined);
    const row = this.#store.row(this.#highestAtOpen);
    const newest = row === undefined ? null : { at: row.captured_at, mono: row.mono };
    return { state: this.state(), highestAtOpen: this.#highestAtOpen, newest, remembered: Object.fromEntries(known) };
  }

  state(): OutboxState {
    const segment = this.segmentOf(this.#highest + 1);
    const oldest = this.#unackedFrom(1);
    return {
      stream: segment.stream,
      base: segment.base,
      highest: this.#highest,
      highestAcked: this.#done.list.at(-1)?.[1] ?? 0,
      oldestUnacked: oldest,
      oldestUnackedAt: oldest === null ? null : (this.#store.capturedAt(oldest) ?? null),
      oldestOfStream: this.#unackedFrom(segment.base + 1),
      waiting: this.#highest - this.#done.size,
      usedBytes: this.#store.usedBytes(),
      setAside: this.#store.setAsideCount() + this.#pending.asides,
      unwritten: this.unwritten.count,
      lost: this.#lostTotal,
      problem: this.#problem,
      windows: this.#windows.reports(this.#done),
    };
  }

  /** Whether rows of this seq were captured in this run, so that the monotonic clock tells their age. */
  isOfThisRun(seq: number): boolean {
    return seq > this.#highestAtOpen;
  }

  segmentOf(seq: number): Segment {
    return this.#segments.findLast((segment) => segment.base < seq) ?? (this.#segments[0] as Segment);
  }

  /** Highest seq of the segment that `seq` is in. */
  segmentEnd(seq: number): number {
    const next = this.#segments.find((segment) => segment.base >= seq);
    return Math.min(this.#highest, next?.base ?? this.#highest);
  }

  /** First seq given, and to how many of the rows: those for which there was no room are counted into a gap. */
  append(rows: readonly CapturedRow[]): { firstSeq: number; count: number } {
    const admitted = this.unwritten.admit(rows, this.#done);
    this.#countLost(rows.slice(admitted));
    const first = this.#highest + 1;
    this.unwritten.add(rows.slice(0, admitted).map((row, index) => Object.assign({}, row, { seq: first + index })));
    this.#highest += admitted;
    this.flush();
    return { firstSeq: first, count: admitted };
  }

  /** Writes what waits: rows and acks, in one durable transaction. Called again every second until it succeeds. */
  flush(): void {
    if (this.unwritten.count === 0 && !this.#pending.any) return;
    for (let attempt = 1; ; attempt++) {
      try {
        this.#write();
        return this.#recovered();
      } catch (error) {
        if (!this.#mayRetry(error, attempt)) return;
      }
    }
  }

  ack(ranges: readonly SeqRange[]): void {
    for (const [from, to] of ranges) this.#done.add(from, Math.min(to, this.#highest));
    this.#pending.acked();
  }

  /** The server asks for what it has not got (any more). What is gone here is told as a gap, once. */
  resend(ranges: readonly SeqRange[]): void {
    const lowest = this.#store.bounds()?.[0] ?? this.#highest + 1;
    for (const [from, wanted] of ranges) {
      const to = Math.min(wanted, this.#highest);
      for (const [lo, hi] of this.#toldGone.missing(from, Math.min(to, lowest - 1))) {
        if (this.unwritten.within(lo, hi).length === 0) this.gone([[lo, hi]], "outbox_full");
      }
      for (const [lo, hi] of this.#toldGone.missing(Math.max(from, lowest), to)) this.#done.remove(lo, hi);
    }
    this.#pending.acked();
  }

  /** Like resend, with seqs as they are on the wire. */
  resendOf(stream: string, ranges: readonly SeqRange[]): void {
    const segment = this.#segments.find((known) => known.stream === stream);
    if (segment === undefined) return;
    const end = this.segmentEnd(segment.base + 1);
    this.resend(ranges.map(([from, to]) => [from + segment.base, Math.min(to + segment.base, end)]));
  }

  /** Sends again what was captured in a span of time. Clocks jump: a margin on both sides makes sure of it. */
  resendWindow(id: string, fromMs: number, toMs: number): void {
    if (this.#windows.knows(id)) return;
    const seqs = this.#seqsOf(fromMs, toMs);
    if (seqs !== null) this.resend([seqs]);
    this.#windows.take(id, seqs, this.#done);
  }

  #seqsOf(fromMs: number, toMs: number): SeqRange | null {
    const bounds = this.#store.bounds();
    if (bounds === null) return null;
    const from = lastOlderThan(this, bounds[0], bounds[1], fromMs - RESEND_MARGIN_MS) + 1;
    const to = lastOlderThan(this, bounds[0], bounds[1], toMs + RESEND_MARGIN_MS);
    return from <= to ? [from, to] : null;
  }

  /** Takes the ballast aboard again once there is room. */
  layBallast(): void {
    if (this.#problem === null) this.#ballast.take();
  }

  /** New events take a new stream from `base` on; nothing above it may have been sent. */
  fork(base: number, why: string): void {
    const segment = { base, stream: randomUUID() };
    this.#pending.addSegment(segment);
    this.#segments = [...this.#segments, segment];
    this.#tellContinued();
    this.#ports.note("warn", "the outbox takes a new stream", { why, stream: segment.stream, base });
  }

  setAside(seq: number, reason: string): void {
    const body = this.unwritten.within(seq, seq)[0]?.body ?? this.#store.row(seq)?.body;
    if (body === undefined) return;
    const { stream } = this.segmentOf(seq);
    this.#pending.setAside({ seq, stream, at: this.#ports.clock.wallMs(), reason, body });
    this.#ports.note("error", "an event the server refuses is set aside", { seq, reason });
    // Told as a gap, or the server would ask again and again for what it refuses.
    this.#tellGone([[seq, seq]], "set_aside");
  }

  /** These seqs will never be sent: they count as done here, and a gap marker tells the server. */
  gone(ranges: readonly SeqRange[], cause: GapCause): void {
    this.#lostTotal += this.#tellGone(ranges, cause);
    this.#ports.note("error", "events are lost and told as a gap", { ranges, cause });
  }

  /** Markers whose rows have to go are written anew: the server has not heard them yet. */
  tellAgain(bodies: readonly string[]): void {
    if (bodies.length > 0) this.append(bodies.map((body) => this.#ports.capture.row(JSON.parse(body) as AmiEvent)));
  }

  /** Reaches the disk with the next flush. */
  remember(key: string, value: string): void {
    this.#pending.remember(key, value);
  }

  /** Whether the file has outgrown its hard bound. */
  get overgrown(): boolean {
    return this.#store.usedBytes() > this.#settings.bytesMax;
  }

  /** One bounded step of retention; true when there is more to do. */
  prune(): boolean {
    try {
      return pruneOnce(this, this.#settings, this.#ports.clock.wallMs());
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /** Damage found while reading: the file is set aside, its rows are saved, and the agent goes on with a new one. */
  rebuild(error: unknown): void {
    this.#ports.note("error", "the outbox file is damaged", { error: messageOf(error) });
    this.#store.close();
    const known = { segments: this.#segments, highest: this.#highest, done: this.#done };
    const opening = openOutbox(this.#settings.path, this.#ports, this.#ballast, known);
    this.#store = opening.store;
    this.#segments = opening.segments;
    this.#highest = opening.highest;
    this.#done = opening.done;
    this.#pending = opening.pending;
    this.#pending.remember("stopped_clean", "false");
    if (opening.continues) this.#tellContinued();
    this.#tellSalvaged(opening.gaps);
  }

  /** Whoever has calls of the streams before must know how far those go. */
  #tellContinued(): void {
    const ended = this.#segments
      .slice(0, -1)
      .slice(-ENDED_STREAMS_TOLD_MAX)
      .map(({ base, stream }) => ({ stream, to: this.segmentEnd(base + 1) - base }));
    this.append([this.#ports.capture.row(streamContinued(ended.filter(({ to }) => to > 0)))]);
  }

  /** What a damaged file cost. */
  #tellSalvaged(gaps: readonly Gap[]): void {
    for (const { stream, fromSeq, toSeq } of gaps) {
      const segment = this.#segments.find((known) => known.stream === stream);
      if (segment === undefined || fromSeq === undefined || toSeq === undefined) continue;
      this.#toldGone.add(segment.base + fromSeq, segment.base + toSeq);
    }
    this.append(gaps.map((lost) => this.#gapRow(lost)));
  }

  /** Leaves no row and no ack unwritten that the disk will take. */
  close(): void {
    this.flush();
    this.#store.close();
  }

  #unackedFrom(from: number): number | null {
    const first = this.#done.firstMissing(from);
    return first <= this.#highest ? first : null;
  }

  #write(): void {
    const rows = this.unwritten.all;
    const acked = [...this.#done.list];
    this.#store.transaction(() => {
      for (const row of rows) this.#store.insert(row);
      this.#pending.writeTo(this.#store, acked, this.#ports.clock.wallMs());
    });
    this.#pending.written(this.#store, acked);
    this.unwritten.written(rows.length);
  }

  #mayRetry(error: unknown, attempt: number): boolean {
    const failure = classify(error);
    if (failure === "corrupt" && attempt === 1) {
      this.rebuild(error);
      return true;
    }
    if (failure === "full" && this.#ballast.release()) {
      this.#ports.note("warn", "the ballast is thrown off: the disk is full", { path: this.#settings.path });
      return true;
    }
    this.#failed(error);
    return false;
  }

  #failed(error: unknown): void {
    const problem = describeStorage(classify(error), this.#settings.path, codeOf(error) ?? messageOf(error));
    if (problem !== this.#problem) this.#ports.note("error", problem, { error: messageOf(error) });
    this.#problem = problem;
  }

  #recovered(): void {
    if (this.#problem !== null) this.#ports.note("info", "the outbox is written again", {});
    this.#problem = null;
    const lost = this.#lost;
    if (lost === null) return;
    this.#lost = null;
    this.append([this.#gapRow({ ...lost, cause: "outbox_full" })]);
  }

  /** Writes a gap marker for each range and counts it as done; returns how many events they held, markers left out. */
  #tellGone(ranges: readonly SeqRange[], cause: GapCause): number {
    const gaps = ranges.map(([from, to]): Gap => {
      const { base, stream } = this.segmentOf(from);
      const nowMs = this.#ports.clock.wallMs();
      const span = this.#store.spanOf(from, to, { fromMs: nowMs, toMs: nowMs });
      this.#done.add(from, to);
      this.#toldGone.add(from, to);
      const count = to - from + 1 - this.#store.gapBodies(from, to).length;
      return { ...span, cause, count, stream, fromSeq: from - base, toSeq: to - base };
    });
    this.#pending.acked();
    this.append(gaps.map((lost) => this.#gapRow(lost)));
    return gaps.reduce((sum, { count = 0 }) => sum + count, 0);
  }

  #countLost(rows: readonly CapturedRow[]): void {
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return;
    if (this.#lost === null)
      this.#ports.note("error", "events are lost: the disk is full and so is the memory kept for them", {});
    this.#lost ??= { count: 0, fromMs: first.at, toMs: last.at };
    this.#lost.count += rows.length;
    this.#lost.toMs = last.at;
    this.#lostTotal += rows.length;
  }

  #gapRow(lost: Gap): CapturedRow {
    return this.#ports.capture.row(gap(lost));
  }
}
