import {
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Capture, NEVER_LATE, type CapturedRow } from "../capture.ts";
import { Keeper } from "./keeper.ts";
import type { OutboxSettings } from "./protocol.ts";
import { readBatch } from "./read.ts";

let folder: string;
let nowMs: number;
const open: Keeper[] = [];
/** How far the wall clock was set ahead of the time that really passed. */
let wallAheadMs: number;
const clock = { wallMs: () => nowMs + wallAheadMs, monoMs: () => nowMs - 1_000_000 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-keeper-"));
  nowMs = 1_800_000_000_000;
  wallAheadMs = 0;
});
afterEach(() => {
  for (const keeper of open.splice(0)) keeper.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = () => join(folder, "outbox.db");

function keeper(settings: Partial<OutboxSettings> = {}): Keeper {
  const capture = new Capture(clock, NEVER_LATE);
  const bounds = { keepAckedMsMax: 7 * 86_400_000, keepAckedBytesMax: 1e9, bytesMax: 1e10, ageMsMax: 60 * 86_400_000 };
  const opened = new Keeper({ path: path(), ...bounds, ...settings }, { clock, capture, note: () => {} });
  open.push(opened);
  return opened;
}

function close(keeper: Keeper): void {
  open.splice(open.indexOf(keeper), 1);
  keeper.close();
}

function rows(count: number, size = 100): CapturedRow[] {
  return Array.from({ length: count }, (_, n) => ({
    at: clock.wallMs(),
    mono: clock.monoMs(),
    lag: 0,
    name: "Test",
    linkedid: null,
    body: JSON.stringify({ Event: "Test", N: String(n), Pad: "p".repeat(size) }),
  }));
}

interface Line {
  seq: number;
  origin: string;
  ev: Record<string, string>;
}

function read(from: Keeper, before = Number.MAX_SAFE_INTEGER, eventsMax = 100_000) {
  const request = { before, eventsMax, bytesMax: 1e9, windowMs: 15_000 };
  const batch = readBatch(from, request, { wallMs: nowMs, monoMs: clock.monoMs() });
  if (batch === null) return null;
  const lines = Buffer.from(batch.lines)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  return { ...batch, lines };
}

/** Everything that waits, acked as it is read. */
function drain(from: Keeper): (Line & { stream: string })[] {
  const all = [];
  for (let batch = read(from); batch !== null; batch = read(from)) {
    all.push(...batch.lines.map((line) => ({ ...line, stream: batch?.stream ?? "" })));
    from.ack(batch.ranges);
  }
  return all;
}

describe("the outbox file", () => {
  it("gives seqs from 1 in order and reads back what waits, oldest first", () => {
    const outbox = keeper();
    expect(outbox.append(rows(3))).toEqual({ firstSeq: 1, count: 3 });
    expect(outbox.append(rows(2))).toEqual({ firstSeq: 4, count: 2 });
    expect(read(outbox)?.lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(read(outbox, 4)?.lines.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(read(outbox, 100, 2)?.lines.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("keeps stream, events, acks and what it was told to remember over a reopening", () => {
    const first = keeper();
    first.append(rows(5));
    first.ack([
      [1, 2],
      [4, 4],
    ]);
    first.remember("heard", "123");
    const { stream } = first.state();
    close(first);
    const second = keeper();
    expect(second.state()).toMatchObject({ stream, highest: 5, waiting: 2, oldestUnacked: 3, highestAcked: 4 });
    expect(second.opened.remembered).toEqual({ heard: "123" });
    expect(read(second)?.ranges).toEqual([
      [3, 3],
      [5, 5],
    ]);
    expect(second.append(rows(1)).firstSeq).toBe(6);
  });

  it("never gives a seq twice, also when all rows have been deleted", () => {
    const first = keeper({ keepAckedMsMax: 0 });
    first.append(rows(10));
    first.ack([[1, 10]]);
    nowMs += 1_000;
    while (first.prune());
    expect(first.store.bounds()).toBeNull();
    close(first);
    expect(keeper().append(rows(1)).firstSeq).toBe(11);
  });

  it("tags by age when read, also events of an earlier run", () => {
    const first = keeper();
    first.append(rows(1));
    close(first);
    nowMs += 10_000;
    const second = keeper();
    second.append(rows(1));
    expect(read(second)?.lines.map(({ origin }) => origin)).toEqual(["live", "live"]);
    nowMs += 10_000;
    expect(read(second)?.lines.map(({ origin }) => origin)).toEqual(["downloaded", "live"]);
  });

  it("sends again what the server asks for, by seq and by time", () => {
    const outbox = keeper();
    outbox.append(rows(5));
    nowMs += 3_600_000;
    outbox.append(rows(5));
    outbox.ack([[1, 10]]);
    outbox.resendOf(outbox.state().stream, [
      [3, 4],
      [9, 99],
    ]);
    expect(read(outbox)?.ranges).toEqual([
      [3, 4],
      [9, 10],
    ]);
    outbox.ack([[1, 10]]);
    outbox.resendWindow("1", nowMs - 3_600_000, nowMs - 3_000_000);
    expect(read(outbox)?.ranges).toEqual([[1, 5]]);
    outbox.resendOf("another stream", [[6, 6]]);
    expect(read(outbox)?.ranges).toEqual([[1, 5]]);
  });

  it("tells once, as a gap, that what the server asks for is gone", () => {
    const outbox = keeper({ keepAckedMsMax: 0 });
    outbox.append(rows(4));
    outbox.ack([[1, 4]]);
    nowMs += 1_000;
    while (outbox.prune());
    outbox.append(rows(1));
    const { stream } = outbox.state();
    for (const _ of [1, 2]) outbox.resendOf(stream, [[1, 4]]);
    const gaps = drain(outbox).filter(({ ev }) => ev["Event"] === "RingpostGap");
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.ev).toMatchObject({ FromSeq: "1", ToSeq: "4", Count: "4", Stream: stream });
  });

  it("keeps a set-aside event in the file, acked here, told as a gap and never sent again", () => {
    const outbox = keeper();
    outbox.append(rows(2));
    outbox.setAside(1, "refused");
    expect(outbox.state()).toMatchObject({ setAside: 1, waiting: 2, lost: 0 });
    outbox.resend([[1, 1]]);
    expect(read(outbox)?.ranges).toEqual([[2, 3]]);
    expect(outbox.store.row(3)?.body).toContain('"Cause":"set_aside","Count":"1"');
  });
});

describe("bounds of the outbox", () => {
  it("deletes acked events first when they are too old or too many, never unacked ones", () => {
    const outbox = keeper({ keepAckedBytesMax: 200_000 });
    outbox.append(rows(1_000, 1_000));
    outbox.ack([[1, 500]]);
    while (outbox.prune());
    expect(outbox.store.bounds()?.[0]).toBeGreaterThan(250);
    expect(outbox.state().waiting).toBe(500);
    nowMs += 8 * 86_400_000;
    while (outbox.prune());
    expect(outbox.store.bounds()).toEqual([501, 1_000]);
  });

  it("lets the oldest events go when the file is at its bound, and tells which", () => {
    const outbox = keeper({ bytesMax: 3_000_000 });
    for (let group = 0; group < 5; group++) {
      outbox.append(rows(1_000, 1_000));
      while (outbox.prune());
    }
    expect(outbox.state().usedBytes).toBeLessThan(3_100_000);
    const sent = drain(outbox);
    const gaps = sent.filter(({ ev }) => ev["Event"] === "RingpostGap");
    const told = gaps.reduce((sum, { ev }) => sum + Number(ev["Count"]), 0);
    expect(sent.length - gaps.length + told).toBe(5_000);
    expect(outbox.state().lost).toBe(told);
  });

  it("lets events go that are older than the bound on age", () => {
    const outbox = keeper({ ageMsMax: 86_400_000 });
    outbox.append(rows(10));
    outbox.prune();
    nowMs += 2 * 86_400_000;
    outbox.append(rows(10));
    while (outbox.prune());
    const sent = drain(outbox);
    expect(sent.map(({ seq }) => seq)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
    expect(sent.at(-1)?.ev).toMatchObject({ Event: "RingpostGap", FromSeq: "1", ToSeq: "10" });
  });
});

describe("a file that goes away while it is open", () => {
  const written = () => drain(keeper()).map(({ seq }) => seq);

  it("is written anew when it was removed, as the same stream, with all that waits", () => {
    const outbox = keeper();
    outbox.append(rows(5));
    const { stream } = outbox.state();
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    outbox.stayInPlace();
    outbox.append(rows(2));
    close(outbox);
    const again = keeper();
    expect(again.state().stream).toBe(stream);
    close(again);
    expect(written()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("sets aside what was put in its place, WAL and all", () => {
    const outbox = keeper();
    outbox.append(rows(5));
    rmSync(path());
    writeFileSync(path(), "an old copy");
    outbox.stayInPlace();
    close(outbox);
    expect(readdirSync(folder).some((name) => name.includes(".damaged-"))).toBe(true);
    expect(written()).toEqual([1, 2, 3, 4, 5]);
  });

  it("is saved as far as it is legible when it was damaged as well, and what is not is a gap", () => {
    const outbox = keeper();
    outbox.append(rows(3_000, 1_000));
    const { stream } = outbox.state();
    outbox.store.checkpoint();
    breakPage(path(), 300);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    outbox.stayInPlace();
    expect(outbox.state().problem).toBeNull();
    close(outbox);
    const again = keeper();
    const sent = drain(again);
    const saved = sent.filter((line) => line.stream === stream && line.ev["Event"] === "Test");
    expect(saved.length).toBeGreaterThan(2_900);
    const gaps = sent.filter(({ ev }) => ev["Event"] === "RingpostGap");
    expect(gaps.map(({ ev }) => Number(ev["Count"])).reduce((sum, count) => sum + count, saved.length)).toBe(3_000);
  });

  it("goes on while its folder cannot be made, and says so", () => {
    const outbox = keeper();
    outbox.append(rows(5));
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "not a folder");
    outbox.stayInPlace();
    expect(outbox.state().problem).toContain("cannot be written anew");
    outbox.append(rows(2));
    rmSync(folder);
    outbox.stayInPlace();
    expect(outbox.state().problem).toBeNull();
    close(outbox);
    expect(written()).toHaveLength(7);
  });
});

describe("a clock that is set", () => {
  it("lets nothing go that the server has not got when the clock jumps years ahead and back", () => {
    const outbox = keeper();
    outbox.append(rows(10));
    wallAheadMs = 20 * 365 * 86_400_000;
    while (outbox.prune());
    outbox.append(rows(10));
    wallAheadMs = 0;
    while (outbox.prune());
    expect(drain(outbox).map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it("keeps what was captured while the clock said 1970, also over a restart", () => {
    wallAheadMs = -nowMs;
    const first = keeper();
    first.append(rows(10));
    close(first);
    wallAheadMs = 0;
    const second = keeper();
    while (second.prune());
    expect(drain(second)).toHaveLength(10);
  });
});

describe("whose stream it is", () => {
  it("takes a new stream when the file was copied, and sends the old stream's events under its name", () => {
    const first = keeper();
    first.append(rows(3));
    const { stream } = first.state();
    close(first);
    const copy = readFileSync(path());
    writeFileSync(`${path()}.other`, copy);
    rmSync(path());
    copyFileSync(`${path()}.other`, path());
    const second = keeper();
    expect(second.state().stream).not.toBe(stream);
    second.append(rows(2));
    const sent = drain(second);
    expect(sent.map(({ seq, stream: of }) => [seq, of === stream])).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [1, false],
      [2, false],
      [3, false],
    ]);
    expect(sent[3]!.ev).toEqual({ Event: "RingpostStreamContinued", Stream: [stream], To: ["3"] });
  });

  it("forks above what was sent, so that no seq is used for two events", () => {
    const first = keeper();
    first.append(rows(3));
    first.ack([[1, 3]]);
    close(first);
    const outbox = keeper();
    outbox.append(rows(2));
    outbox.fork(3, "old copy");
    const sent = drain(outbox);
    expect(sent.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(sent[2]!.ev).toMatchObject({ Event: "RingpostStreamContinued", To: ["3"] });
    expect(outbox.state().base).toBe(3);
  });
});

/** Overwrites a page (from 1) with noise, as a failing disk would. */
function breakPage(file: string, page: number): void {
  const handle = openSync(file, "r+");
  writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
  closeSync(handle);
}

describe("a damaged outbox file", () => {
  function filled(): { stream: string; pages: number } {
    const outbox = keeper();
    outbox.append(rows(400));
    outbox.ack([[1, 100]]);
    const { stream } = outbox.state();
    close(outbox);
    return { stream, pages: statSync(path()).size / 4096 };
  }

  it("loses nothing silently whichever page breaks: every event is sent under its own seq or told as a gap", () => {
    const { pages } = filled();
    const whole = readFileSync(path());
    for (let page = 1; page <= pages; page++) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      writeFileSync(path(), whole);
      breakPage(path(), page);
      const outbox = keeper();
      const newRow = outbox.append(rows(1));
      expect(newRow.count).toBe(1);
      const sent = drain(outbox);
      const owed = new Set(Array.from({ length: 300 }, (_, n) => n + 101));
      for (const { seq, ev } of sent) if (ev["N"] === String(seq - 1)) owed.delete(seq);
      for (const { ev } of sent.filter((line) => line.ev["Event"] === "RingpostGap")) {
        for (let seq = Number(ev["FromSeq"]); seq <= Number(ev["ToSeq"]); seq++) owed.delete(seq);
      }
      expect({ page, owed: [...owed] }).toEqual({ page, owed: [] });
      close(outbox);
    }
  });

  it("keeps the stream of the rows it saves when the schema page breaks, and takes a new one for what comes", () => {
    const { stream } = filled();
    breakPage(path(), 1);
    const outbox = keeper();
    outbox.append(rows(1));
    const sent = drain(outbox);
    expect(sent.filter((line) => line.stream === stream && line.ev["Event"] === "Test")).toHaveLength(300);
    expect(outbox.state().stream).not.toBe(stream);
    expect(readdirSync(folder).filter((name) => name.includes(".damaged-")).length).toBeGreaterThan(0);
  });

  it("starts anew over a file that is no database", () => {
    writeFileSync(path(), "not a database ".repeat(1_000));
    const outbox = keeper();
    outbox.append(rows(2));
    expect(drain(outbox).filter(({ ev }) => ev["Event"] === "Test")).toHaveLength(2);
  });

  it("does not send a row whose content has changed on the disk", () => {
    const outbox = keeper();
    outbox.append(rows(5));
    const { stream } = outbox.state();
    close(outbox);
    const db = new Database(path());
    db.prepare("UPDATE events SET body = replace(body, 'Test', 'Tost') WHERE seq = 3").run();
    db.close();
    const sent = drain(keeper());
    expect(sent.map(({ ev }) => ev["N"])).toEqual(["0", "1", "3", "4", undefined]);
    expect(sent.at(-1)?.ev).toMatchObject({
      Event: "RingpostGap",
      Cause: "outbox_corrupt",
      FromSeq: "3",
      ToSeq: "3",
      Stream: stream,
    });
  });

  it("keeps the rows that were on their way to the file when it broke", () => {
    const outbox = keeper();
    outbox.append(rows(400));
    const { stream } = outbox.state();
    // As damage shows itself: the commit fails, and the file is read anew.
    vi.spyOn(outbox.store, "insert").mockImplementation(() => {
      throw Object.assign(new Error("database disk image is malformed"), { code: "SQLITE_CORRUPT" });
    });
    outbox.append(rows(5));
    const sent = drain(outbox);
    expect(sent.filter((line) => line.stream === stream).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 405 }, (_, n) => n + 1),
    );
    expect(sent.filter(({ ev }) => ev["Event"] === "RingpostGap")).toEqual([]);
  });

  it("survives a WAL that ends in the middle of a frame", () => {
    const outbox = keeper();
    for (let group = 0; group < 20; group++) outbox.append(rows(10));
    copyFileSync(path(), join(folder, "torn.db"));
    copyFileSync(`${path()}-wal`, join(folder, "torn.db-wal"));
    close(outbox);
    truncateSync(join(folder, "torn.db-wal"), statSync(join(folder, "torn.db-wal")).size - 3_000);
    for (const suffix of ["", "-wal"]) {
      rmSync(path() + suffix, { force: true });
      copyFileSync(join(folder, `torn.db${suffix}`), path() + suffix);
    }
    const again = keeper();
    const sent = drain(again).filter(({ ev }) => ev.Event !== "RingpostStreamContinued");
    expect(sent.map(({ seq }) => seq)).toEqual(Array.from({ length: 190 }, (_, n) => n + 1));
  });
});
