import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OutboxFile, gapsIn } from "../../test/agent/outbox-file.ts";

let file: OutboxFile;

beforeEach(() => {
  file = new OutboxFile();
});
afterEach(() => file.end());

describe("a file that goes away while it is open", () => {
  const written = () => file.drain(file.open()).map(({ seq }) => seq);

  it("is written anew when it was removed, as the same stream, with all that waits", () => {
    const outbox = file.open();
    outbox.append(file.rows(5));
    const { stream } = outbox.state();
    for (const name of readdirSync(file.folder)) rmSync(join(file.folder, name));
    outbox.stayInPlace();
    outbox.append(file.rows(2));
    file.close(outbox);
    const again = file.open();
    expect(again.state().stream).toBe(stream);
    file.close(again);
    expect(written()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("sets aside what was put in its place, WAL and all", () => {
    const outbox = file.open();
    outbox.append(file.rows(5));
    rmSync(file.path);
    writeFileSync(file.path, "an old copy");
    outbox.stayInPlace();
    file.close(outbox);
    expect(readdirSync(file.folder).some((name) => name.includes(".damaged-"))).toBe(true);
    expect(written()).toEqual([1, 2, 3, 4, 5]);
  });

  it("is saved as far as it is legible when it was damaged as well, and what is not is a gap", () => {
    const outbox = file.open();
    outbox.append(file.rows(3_000, 1_000));
    const { stream } = outbox.state();
    outbox.store.checkpoint();
    file.breakPage(300);
    for (const name of readdirSync(file.folder)) rmSync(join(file.folder, name));
    outbox.stayInPlace();
    expect(outbox.state().problem).toBeNull();
    file.close(outbox);
    const again = file.open();
    const sent = file.drain(again);
    const saved = sent.filter((line) => line.stream === stream && line.ev["Event"] === "Test");
    expect(saved.length).toBeGreaterThan(2_900);
    const gaps = gapsIn(sent);
    expect(gaps.map(({ ev }) => Number(ev["Count"])).reduce((sum, count) => sum + count, saved.length)).toBe(3_000);
  });

  it("goes on while its folder cannot be made, and says so", () => {
    const outbox = file.open();
    outbox.append(file.rows(5));
    rmSync(file.folder, { recursive: true });
    writeFileSync(file.folder, "not a folder");
    outbox.stayInPlace();
    expect(outbox.state().problem).toContain("cannot be written anew");
    outbox.append(file.rows(2));
    rmSync(file.folder);
    outbox.stayInPlace();
    expect(outbox.state().problem).toBeNull();
    file.close(outbox);
    expect(written()).toHaveLength(7);
  });
});
