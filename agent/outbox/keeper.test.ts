import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, OutboxFile, gapsIn } from "../../test/agent/outbox-file.ts";

let file: OutboxFile;

beforeEach(() => {
  file = new OutboxFile();
});
afterEach(() => file.end());

describe("the outbox file", () => {
  it("gives seqs from 1 in order and reads back what waits, oldest first", () => {
    const outbox = file.open();
    expect(outbox.append(file.rows(3))).toEqual({ firstSeq: 1, count: 3 });
    expect(outbox.append(file.rows(2))).toEqual({ firstSeq: 4, count: 2 });
    expect(file.read(outbox)?.lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(file.read(outbox, 4)?.lines.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(file.read(outbox, 100, 2)?.lines.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("keeps stream, events, acks and what it was told to remember over a reopening", () => {
    const first = file.open();
    first.append(file.rows(5));
    first.ack([
      [1, 2],
      [4, 4],
    ]);
    first.remember("heard", "123");
    const { stream } = first.state();
    file.close(first);
    const second = file.open();
    expect(second.state()).toMatchObject({ stream, highest: 5, waiting: 2, oldestUnacked: 3, highestAcked: 4 });
    expect(second.opened.remembered).toEqual({ heard: "123" });
    expect(file.read(second)?.ranges).toEqual([
      [3, 3],
      [5, 5],
    ]);
    expect(second.append(file.rows(1)).firstSeq).toBe(6);
  });

  it("never gives a seq twice, also when all rows have been deleted", () => {
    const first = file.open({ keepAckedMsMax: 0 });
    first.append(file.rows(10));
    first.ack([[1, 10]]);
    file.nowMs += 1_000;
    while (first.prune());
    expect(first.store.bounds()).toBeNull();
    file.close(first);
    expect(file.open().append(file.rows(1)).firstSeq).toBe(11);
  });

  it("tags by age when read, also events of an earlier run", () => {
    const first = file.open();
    first.append(file.rows(1));
    file.close(first);
    file.nowMs += 10_000;
    const second = file.open();
    second.append(file.rows(1));
    expect(file.read(second)?.lines.map(({ origin }) => origin)).toEqual(["live", "live"]);
    file.nowMs += 10_000;
    expect(file.read(second)?.lines.map(({ origin }) => origin)).toEqual(["downloaded", "live"]);
  });

  it("sends again what the server asks for, by seq and by time", () => {
    const outbox = file.open();
    outbox.append(file.rows(5));
    file.nowMs += 3_600_000;
    outbox.append(file.rows(5));
    outbox.ack([[1, 10]]);
    outbox.resendOf(outbox.state().stream, [
      [3, 4],
      [9, 99],
    ]);
    expect(file.read(outbox)?.ranges).toEqual([
      [3, 4],
      [9, 10],
    ]);
    outbox.ack([[1, 10]]);
    outbox.resendWindow("1", file.nowMs - 3_600_000, file.nowMs - 3_000_000);
    expect(file.read(outbox)?.ranges).toEqual([[1, 5]]);
    outbox.resendOf("another stream", [[6, 6]]);
    expect(file.read(outbox)?.ranges).toEqual([[1, 5]]);
  });

  it("tells once, as a gap, that what the server asks for is gone", () => {
    const outbox = file.open({ keepAckedMsMax: 0 });
    outbox.append(file.rows(4));
    outbox.ack([[1, 4]]);
    file.nowMs += 1_000;
    while (outbox.prune());
    outbox.append(file.rows(1));
    const { stream } = outbox.state();
    for (const _ of [1, 2]) outbox.resendOf(stream, [[1, 4]]);
    const gaps = gapsIn(file.drain(outbox));
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.ev).toMatchObject({ FromSeq: "1", ToSeq: "4", Count: "4", Stream: stream });
  });

  it("keeps a set-aside event in the file, acked here, told as a gap and never sent again", () => {
    const outbox = file.open();
    outbox.append(file.rows(2));
    outbox.setAside(1, "refused");
    expect(outbox.state()).toMatchObject({ setAside: 1, waiting: 2, lost: 0 });
    outbox.resend([[1, 1]]);
    expect(file.read(outbox)?.ranges).toEqual([[2, 3]]);
    expect(outbox.store.row(3)?.body).toContain('"Cause":"set_aside","Count":"1"');
  });
});

describe("bounds of the outbox", () => {
  it("deletes acked events first when they are too old or too many, never unacked ones", () => {
    const outbox = file.open({ keepAckedBytesMax: 200_000 });
    outbox.append(file.rows(1_000, 1_000));
    outbox.ack([[1, 500]]);
    while (outbox.prune());
    expect(outbox.store.bounds()?.[0]).toBeGreaterThan(250);
    expect(outbox.state().waiting).toBe(500);
    file.nowMs += 8 * DAY_MS;
    while (outbox.prune());
    expect(outbox.store.bounds()).toEqual([501, 1_000]);
  });

  it("lets the oldest events go when the file is at its bound, and tells which", () => {
    const outbox = file.open({ bytesMax: 3_000_000 });
    for (let group = 0; group < 5; group++) {
      outbox.append(file.rows(1_000, 1_000));
      while (outbox.prune());
    }
    expect(outbox.state().usedBytes).toBeLessThan(3_100_000);
    const sent = file.drain(outbox);
    const gaps = gapsIn(sent);
    const told = gaps.reduce((sum, { ev }) => sum + Number(ev["Count"]), 0);
    expect(sent.length - gaps.length + told).toBe(5_000);
    expect(outbox.state().lost).toBe(told);
  });

  it("lets events go that are older than the bound on age", () => {
    const outbox = file.open({ ageMsMax: DAY_MS });
    outbox.append(file.rows(10));
    outbox.prune();
    file.nowMs += 2 * DAY_MS;
    outbox.append(file.rows(10));
    while (outbox.prune());
    const sent = file.drain(outbox);
    expect(sent.map(({ seq }) => seq)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
    expect(sent.at(-1)?.ev).toMatchObject({ Event: "RingpostGap", FromSeq: "1", ToSeq: "10" });
  });
});

describe("a clock that is set", () => {
  it("lets nothing go that the server has not got when the clock jumps years ahead and back", () => {
    const outbox = file.open();
    outbox.append(file.rows(10));
    file.wallAheadMs = 20 * 365 * DAY_MS;
    while (outbox.prune());
    outbox.append(file.rows(10));
    file.wallAheadMs = 0;
    while (outbox.prune());
    expect(file.drain(outbox).map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it("keeps what was captured while the clock said 1970, also over a restart", () => {
    file.wallAheadMs = -file.nowMs;
    const first = file.open();
    first.append(file.rows(10));
    file.close(first);
    file.wallAheadMs = 0;
    const second = file.open();
    while (second.prune());
    expect(file.drain(second)).toHaveLength(10);
  });
});

describe("whose stream it is", () => {
  it("takes a new stream when the file was copied, and sends the old stream's events under its name", () => {
    const first = file.open();
    first.append(file.rows(3));
    const { stream } = first.state();
    file.close(first);
    const copy = readFileSync(file.path);
    writeFileSync(`${file.path}.other`, copy);
    rmSync(file.path);
    copyFileSync(`${file.path}.other`, file.path);
    const second = file.open();
    expect(second.state().stream).not.toBe(stream);
    second.append(file.rows(2));
    const sent = file.drain(second);
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
    const first = file.open();
    first.append(file.rows(3));
    first.ack([[1, 3]]);
    file.close(first);
    const outbox = file.open();
    outbox.append(file.rows(2));
    outbox.fork(3, "old copy");
    const sent = file.drain(outbox);
    expect(sent.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(sent[2]!.ev).toMatchObject({ Event: "RingpostStreamContinued", To: ["3"] });
    expect(outbox.state().base).toBe(3);
  });
});
