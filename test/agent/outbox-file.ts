import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Capture, NEVER_LATE, type CapturedRow } from "../../agent/capture.ts";
import { Keeper } from "../../agent/outbox/keeper.ts";
import type { OutboxSettings } from "../../agent/outbox/protocol.ts";
import { readBatch } from "../../agent/outbox/read.ts";

export const DAY_MS = 86_400_000;
const BOUNDS = { keepAckedMsMax: 7 * DAY_MS, keepAckedBytesMax: 1e9, bytesMax: 1e10, ageMsMax: 60 * DAY_MS };

/** A line as the outbox gives it to be sent. */
export interface Line {
  seq: number;
  origin: string;
  ev: Record<string, string>;
}

/** An outbox's file in a folder of its own, its keepers, and a clock that stands until a test moves it. */
export class OutboxFile {
  readonly folder = mkdtempSync(join(tmpdir(), "ringpost-keeper-"));
  nowMs = 1_800_000_000_000;
  /** How far the wall clock was set ahead of the time that really passed. */
  wallAheadMs = 0;
  readonly #clock = { wallMs: () => this.nowMs + this.wallAheadMs, monoMs: () => this.nowMs - 1_000_000 };
  readonly #open = new Set<Keeper>();

  get path(): string {
    return join(this.folder, "outbox.db");
  }

  open(settings: Partial<OutboxSettings> = {}): Keeper {
    const capture = new Capture(this.#clock, NEVER_LATE);
    const ports = { clock: this.#clock, capture, note: () => {} };
    const opened = new Keeper({ path: this.path, ...BOUNDS, ...settings }, ports);
    this.#open.add(opened);
    return opened;
  }

  close(keeper: Keeper): void {
    this.#open.delete(keeper);
    keeper.close();
  }

  /** Events as capture gives them, numbered from 0 (header N). */
  rows(count: number, size = 100): CapturedRow[] {
    return Array.from({ length: count }, (_, n) => ({
      at: this.#clock.wallMs(),
      mono: this.#clock.monoMs(),
      lag: 0,
      name: "Test",
      linkedid: null,
      body: JSON.stringify({ Event: "Test", N: String(n), Pad: "p".repeat(size) }),
    }));
  }

  /** The next batch that would be sent, or null. */
  read(from: Keeper, before = Number.MAX_SAFE_INTEGER, eventsMax = 100_000) {
    const request = { before, eventsMax, bytesMax: 1e9, windowMs: 15_000 };
    const batch = readBatch(from, request, { wallMs: this.nowMs, monoMs: this.#clock.monoMs() });
    if (batch === null) return null;
    const texts = Buffer.from(batch.lines).toString().trimEnd().split("\n");
    return { ...batch, lines: texts.map((line) => JSON.parse(line) as Line) };
  }

  /** Everything that waits, acked as it is read. */
  drain(from: Keeper): (Line & { stream: string })[] {
    const all = [];
    for (let batch = this.read(from); batch !== null; batch = this.read(from)) {
      const { stream } = batch;
      all.push(...batch.lines.map((line) => ({ ...line, stream })));
      from.ack(batch.ranges);
    }
    return all;
  }

  /** Overwrites a page (from 1) with noise, as a failing disk would. */
  breakPage(page: number): void {
    const handle = openSync(this.path, "r+");
    writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
    closeSync(handle);
  }

  end(): void {
    for (const keeper of this.#open) keeper.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The gaps among what is sent. */
export function gapsIn<Sent extends Line>(sent: readonly Sent[]): Sent[] {
  return sent.filter(({ ev }) => ev["Event"] === "RingpostGap");
}
