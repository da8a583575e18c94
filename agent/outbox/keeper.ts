import { randomUUID } from "node:crypto";
import { codeOf, messageOf } from "../../shared/errors.ts";
import type { SeqRange } from "../../shared/wire.ts";
import type { CapturedRow } from "../capture.ts";
import { streamContinued } from "../markers.ts";
import { Ages } from "./ages.ts";
import { Ballast } from "./ballast.ts";
import { EverAcked } from "./ever-acked.ts";
import { classify, describeStorage } from "./failure.ts";
import { Gone } from "./gone.ts";
import { UnwrittenRows } from "./memory.ts";
import { isInPlace, openOutbox, rescue, rewrite, type Opening } from "./opening.ts";
import type { KeeperPorts } from "./ports.ts";
import type { Opened, OutboxSettings, OutboxState } from "./protocol.ts";
import { REMEMBERED } from "./protocol.ts";
import { Ranges } from "./ranges.ts";
import { resend, resendOf, resendWindow } from "./resend.ts";
import { pruneOnce } from "./retention.ts";
import type { Segments } from "./segments.ts";
import type { Segment, Store } from "./store.ts";
import { Windows } from "./windows.ts";

/** Under this name the file remembers how old its rows are. */
const AGES = "ages";

/**
 * Keeps the outbox: gives seqs, writes groups durably, remembers what the server has. Modes: writing (rows go to the
 * file) and unwritten (the disk refuses: rows wait in bounded memory, still forwarded and acked, until it takes them).
 */
export class Keeper {
  readonly #settings: OutboxSettings;
  readonly #ports: KeeperPorts;
  readonly #ballast: Ballast;
  readonly #highestAtOpen: number;
  readonly unwritten = new UnwrittenRows();
  readonly windows = new Windows();
  readonly gone: Gone;
  readonly everAcked: EverAcked;
  readonly ages: Ages;
  #file: Opening;
  #problem: string | null = null;
  #misplaced: string | null = null;

  constructor(settings: OutboxSettings, ports: KeeperPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#ballast = new Ballast(settings.path);
    this.gone = new Gone(this, ports);
    this.#file = openOutbox(settings.path, ports, this.#ballast);
    this.everAcked = new EverAcked(this);
    this.ages = new Ages(this.store.recall(AGES), settings.ageMsMax, ports.clock.monoMs());
    this.#highestAtOpen = this.#file.highest;
    this.#ballast.take();
    this.#tellOpened();
  }

  get store(): Store {
    return this.#file.store;
  }

  get segments(): Segments {
    return this.#file.segments;
  }

  /** Acked by the server, or gone for good and told as a gap. */
  get done(): Ranges {
    return this.#file.done;
  }

  get highest(): number {
    return this.#file.highest;
  }

  get opened(): Opened {
    const entries = REMEMBERED.map((key) => [key, this.store.recall(key)] as const);
    const known = entries.filter((entry): entry is [(typeof REMEMBERED)[number], string] => entry[1] !== undefined);
    const row = this.store.row(this.#highestAtOpen);
    const newest = row === undefined ? null : { at: row.captured_at, mono: row.mono, lag: row.lag };
    return { state: this.state(), highestAtOpen: this.#highestAtOpen, newest, remembered: Object.fromEntries(known) };
  }

  state(): OutboxState {
    const segment = this.segmentOf(this.highest + 1);
    const oldest = this.#unackedFrom(1);
    return {
      stream: segment.stream,
      base: segment.base,
      highest: this.highest,
      highestAcked: this.done.list.at(-1)?.[1] ?? 0,
      oldestUnacked: oldest,
      oldestUnackedAt: oldest === null ? null : (this.store.capturedAt(oldest) ?? null),
      oldestOfStream: this.#unackedFrom(segment.base + 1),
      waiting: this.highest - this.done.size,
      usedBytes: this.store.usedBytes(),
      setAside: this.store.setAsideCount() + this.#file.pending.asides,
      unwritten: this.unwritten.count,
      lost: this.gone.total,
      problem: this.#problem ?? this.#misplaced,
      windows: this.windows.reports(this.done),
      acked: this.everAcked.of(segment),
    };
  }

  /** Whether rows of this seq were captured in this run, so that the monotonic clock tells their age. */
  isOfThisRun(seq: number): boolean {
    return seq > this.#highestAtOpen;
  }

  segmentOf(seq: number): Segment {
    return this.segments.of(seq);
  }

  /** Highest seq of the segment that `seq` is in. */
  segmentEnd(seq: number): number {
    return this.segments.end(seq, this.highest);
  }

  /** First seq given, and to how many of the rows: those for which there was no room are counted into a gap. */
  append(rows: readonly CapturedRow[]): { firstSeq: number; count: number } {
    const admitted = this.unwritten.admit(rows, this.done);
    this.gone.turnAway(rows.slice(admitted));
    const first = this.highest + 1;
    this.unwritten.add(rows.slice(0, admitted).map((row, index) => Object.assign({}, row, { seq: first + index })));
    this.#file.highest += admitted;
    this.flush();
    return { firstSeq: first, count: admitted };
  }

  /** Writes what waits: rows and acks, in one durable transaction. Called again every second until it succeeds. */
  flush(): void {
    if (this.unwritten.count === 0 && !this.#file.pending.any) return;
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
    for (const [from, to] of ranges) this.done.add(from, Math.min(to, this.highest));
    this.doneChanged();
  }

  /** `done` is to be written with the next flush. */
  doneChanged(): void {
    this.#file.pending.acked();
  }

  resend(ranges: readonly SeqRange[]): void {
    resend(this, ranges);
  }

  resendOf(stream: string, ranges: readonly SeqRange[]): void {
    resendOf(this, stream, ranges);
  }

  resendWindow(id: string, fromMs: number, toMs: number): void {
    resendWindow(this, id, fromMs, toMs);
  }

  /** Takes the ballast aboard again once there is room. */
  layBallast(): void {
    if (this.#problem === null) this.#ballast.take();
  }

  /** New events take a new stream from `base` on; nothing above it may have been sent. */
  fork(base: number, why: string): void {
    // A file that was rebuilt meanwhile has a new stream already.
    if ((this.segments.list.at(-1)?.base ?? 0) > base) return;
    const segment = { base, stream: randomUUID() };
    this.#file.pending.addSegment(segment);
    this.segments.add(segment);
    this.#tellContinued();
    this.#ports.note("warn", "the outbox takes a new stream", { why, stream: segment.stream, base });
  }

  setAside(seq: number, reason: string): void {
    const body = this.unwritten.within(seq, seq)[0]?.body ?? this.store.row(seq)?.body;
    if (body === undefined) return;
    const { stream } = this.segmentOf(seq);
    this.#file.pending.setAside({ seq, stream, at: this.#ports.clock.wallMs(), reason, body });
    this.#ports.note("error", "an event the server refuses is set aside", { seq, reason });
    // Told as a gap, or the server would ask again and again for what it refuses.
    this.gone.tell([[seq, seq]], "set_aside");
  }

  /** Reaches the disk with the next flush. */
  remember(key: string, value: string): void {
    this.#file.pending.remember(key, value);
  }

  /** Sees that the file is where it belongs: one that was removed ends with the process, and all that waits with it. */
  stayInPlace(): void {
    const { path } = this.#settings;
    if (isInPlace(path, this.#file)) return;
    try {
      this.#file = rewrite(path, this.#file, this.#ports);
      this.#misplaced = null;
    } catch (error) {
      if (classify(error) === "corrupt") return this.#rescue(error);
      this.#cannotStay(error);
    }
  }

  #rescue(error: unknown): void {
    try {
      this.rebuild(error);
      this.#misplaced = null;
    } catch (cause) {
      this.#cannotStay(cause);
    }
  }

  #cannotStay(error: unknown): void {
    const { path } = this.#settings;
    const problem = `the outbox ${path} was removed or replaced while the agent runs, and cannot be written anew (${messageOf(error)}). Nothing is lost while the agent runs: make the folder writable again`;
    if (problem !== this.#misplaced) this.#ports.note("error", problem, {});
    this.#misplaced = problem;
  }

  /** Whether the file has outgrown its hard bound. */
  get overgrown(): boolean {
    return this.store.usedBytes() > this.#settings.bytesMax;
  }

  /** One bounded step of retention; true when there is more to do. */
  prune(): boolean {
    if (this.ages.tick(this.#ports.clock.monoMs(), this.highest)) this.remember(AGES, this.ages.toString());
    try {
      return pruneOnce(this, this.#settings);
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /**
   * Damage found while reading: the file is set aside, its rows are saved, and the agent goes on with a new one; also when the
   * file was removed meanwhile.
   */
  rebuild(error: unknown): void {
    const { path } = this.#settings;
    this.#ports.note("error", "the outbox file is damaged", { error: messageOf(error) });
    const held = new Ranges(this.unwritten.all.map(({ seq }) => [seq, seq]));
    const known = { segments: this.segments.list, highest: this.highest, done: this.done, held };
    if (isInPlace(path, this.#file)) {
      this.store.close();
      this.#file = openOutbox(path, this.#ports, this.#ballast, known);
    } else this.#file = rescue(path, this.#file, this.#ports, known);
    this.everAcked.rememberAnew();
    this.remember(AGES, this.ages.toString());
    this.#tellOpened();
  }

  /** Leaves no row and no ack unwritten that the disk will take. */
  close(): void {
    this.flush();
    this.store.close();
  }

  #tellOpened(): void {
    const { continues, gaps } = this.#file;
    if (continues) this.#tellContinued();
    this.gone.tellSalvaged(gaps);
  }

  /** Whoever has calls of the streams before must know how far those go. */
  #tellContinued(): void {
    this.append([this.#ports.capture.row(streamContinued(this.segments.ended(this.highest)))]);
  }

  #unackedFrom(from: number): number | null {
    const first = this.done.firstMissing(from);
    return first <= this.highest ? first : null;
  }

  #write(): void {
    const { store, pending } = this.#file;
    const rows = this.unwritten.all;
    const acked = [...this.done.list];
    store.transaction(() => {
      for (const row of rows) store.insert(row);
      pending.writeTo(store, acked, this.#ports.clock.wallMs());
    });
    pending.written(store, acked);
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
    this.gone.tellTurnedAway();
  }
}
