import { copyFileSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OutboxFile, gapsIn } from "../../test/agent/outbox-file.ts";

let file: OutboxFile;

beforeEach(() => {
  file = new OutboxFile();
});
afterEach(() => file.end());

describe("a damaged outbox file", () => {
  function filled(): { stream: string; pages: number } {
    const outbox = file.open();
    outbox.append(file.rows(400));
    outbox.ack([[1, 100]]);
    const { stream } = outbox.state();
    file.close(outbox);
    return { stream, pages: statSync(file.path).size / 4096 };
  }

  it("loses nothing silently whichever page breaks: every event is sent under its own seq or told as a gap", () => {
    const { pages } = filled();
    const whole = readFileSync(file.path);
    for (let page = 1; page <= pages; page++) {
      for (const name of readdirSync(file.folder)) rmSync(join(file.folder, name));
      writeFileSync(file.path, whole);
      file.breakPage(page);
      const outbox = file.open();
      const newRow = outbox.append(file.rows(1));
      expect(newRow.count).toBe(1);
      const sent = file.drain(outbox);
      const owed = new Set(Array.from({ length: 300 }, (_, n) => n + 101));
      for (const { seq, ev } of sent) if (ev["N"] === String(seq - 1)) owed.delete(seq);
      for (const { ev } of gapsIn(sent)) {
        for (let seq = Number(ev["FromSeq"]); seq <= Number(ev["ToSeq"]); seq++) owed.delete(seq);
      }
      expect({ page, owed: [...owed] }).toEqual({ page, owed: [] });
      file.close(outbox);
    }
  });

  it("keeps the stream of the rows it saves when the schema page breaks, and takes a new one for what comes", () => {
    const { stream } = filled();
    file.breakPage(1);
    const outbox = file.open();
    outbox.append(file.rows(1));
    const sent = file.drain(outbox);
    expect(sent.filter((line) => line.stream === stream && line.ev["Event"] === "Test")).toHaveLength(300);
    expect(outbox.state().stream).not.toBe(stream);
    expect(readdirSync(file.folder).filter((name) => name.includes(".damaged-")).length).toBeGreaterThan(0);
  });

  it("starts anew over a file that is no database", () => {
    writeFileSync(file.path, "not a database ".repeat(1_000));
    const outbox = file.open();
    outbox.append(file.rows(2));
    expect(file.drain(outbox).filter(({ ev }) => ev["Event"] === "Test")).toHaveLength(2);
  });

  it("does not send a row whose content has changed on the disk", () => {
    const outbox = file.open();
    outbox.append(file.rows(5));
    const { stream } = outbox.state();
    file.close(outbox);
    const db = new Database(file.path);
    db.prepare("UPDATE events SET body = replace(body, 'Test', 'Tost') WHERE seq = 3").run();
    db.close();
    const sent = file.drain(file.open());
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
    const outbox = file.open();
    outbox.append(file.rows(400));
    const { stream } = outbox.state();
    // As damage shows itself: the commit fails, and the file is read anew.
    vi.spyOn(outbox.store, "insert").mockImplementation(() => {
      throw Object.assign(new Error("database disk image is malformed"), { code: "SQLITE_CORRUPT" });
    });
    outbox.append(file.rows(5));
    const sent = file.drain(outbox);
    expect(sent.filter((line) => line.stream === stream).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 405 }, (_, n) => n + 1),
    );
    expect(gapsIn(sent)).toEqual([]);
  });

  it("survives a WAL that ends in the middle of a frame", () => {
    const outbox = file.open();
    for (let group = 0; group < 20; group++) outbox.append(file.rows(10));
    copyFileSync(file.path, join(file.folder, "torn.db"));
    copyFileSync(`${file.path}-wal`, join(file.folder, "torn.db-wal"));
    file.close(outbox);
    truncateSync(join(file.folder, "torn.db-wal"), statSync(join(file.folder, "torn.db-wal")).size - 3_000);
    for (const suffix of ["", "-wal"]) {
      rmSync(file.path + suffix, { force: true });
      copyFileSync(join(file.folder, `torn.db${suffix}`), file.path + suffix);
    }
    const again = file.open();
    const sent = file.drain(again).filter(({ ev }) => ev.Event !== "RingpostStreamContinued");
    expect(sent.map(({ seq }) => seq)).toEqual(Array.from({ length: 190 }, (_, n) => n + 1));
  });
});
