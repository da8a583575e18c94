import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Capture, NEVER_LATE, type CapturedRow } from "../capture.ts";
import { systemClock } from "../clock.ts";
import { gap } from "../markers.ts";
import { Outbox } from "./outbox.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ringpost-outbox-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const capture = new Capture(systemClock, NEVER_LATE);
const rows = (count: number, characters = 10): CapturedRow[] =>
  Array.from({ length: count }, (_, n) => capture.row({ Event: "Test", N: String(n), Pad: "p".repeat(characters) }));

function outbox(): Outbox {
  const bounds = { keepAckedMsMax: 1e9, keepAckedBytesMax: 1e9, bytesMax: 1e10, ageMsMax: 1e10 };
  const ports = { log: pino({ level: "silent" }), gapRow: (lost: Parameters<typeof gap>[0]) => capture.row(gap(lost)) };
  const failed = (error: Error): never => {
    throw error;
  };
  return new Outbox({ path: join(folder, "outbox.db"), ...bounds }, { ...ports, failed });
}

async function highestInFile(): Promise<number> {
  const again = outbox();
  const { state } = await again.open();
  await again.close();
  return state.highest;
}

describe("rows that are being gathered", () => {
  it("are written when the outbox is closed before their time is over", async () => {
    const first = outbox();
    await first.open();
    first.submit(rows(3));
    await first.close();
    expect(await highestInFile()).toBe(3);
  });

  it("are waited for by whoever waits until all is stored", async () => {
    const first = outbox();
    await first.open();
    first.submit(rows(1));
    await first.settled();
    expect(first.state?.highest).toBe(1);
    await first.close();
  });

  it("get their seqs in the order they came, in groups of any size", async () => {
    const first = outbox();
    await first.open();
    const stored: string[] = [];
    let next = 1;
    first.onStored((group, firstSeq) => {
      expect(firstSeq).toBe(next);
      next += group.length;
      stored.push(...group.map(({ body }) => body));
    });
    const all = [1, 199, 200, 1, 2_500, 3].map((count) => rows(count));
    for (const group of all) {
      first.submit(group);
      if (group.length === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await first.settled();
    expect(stored).toEqual(all.flat().map(({ body }) => body));
    await first.close();
  });

  it("are bounded while the file is not open yet, and what is too much is counted into a gap", async () => {
    const first = outbox();
    const opened = first.open();
    for (let group = 0; group < 6; group++) first.submit(rows(1_000, 4_000));
    const lost = first.lostBefore;
    expect(lost).toBeGreaterThan(1_000);
    await opened;
    await first.settled();
    first.submit(rows(1));
    await first.settled();
    // The gap's marker has a seq too.
    expect(first.state?.highest).toBe(6_000 - lost + 1 + 1);
    await first.close();
  });
});
