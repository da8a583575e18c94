import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { randomFrom } from "../random.ts";
import { bendableMachine, type Machine } from "./shim.ts";

const haveCompiler = spawnSync("cc", ["--version"]).error === undefined;
let dir: string;
let machine: Machine;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "rp-shim-"));
  if (haveCompiler) machine = bendableMachine(dir, join(dir, "disk"))!;
});
afterEach(() => {
  if (haveCompiler) machine.close();
  rmSync(dir, { recursive: true, force: true });
});

function node(script: string): string {
  const run = spawnSync(process.execPath, ["-e", script], {
    env: { ...process.env, ...machine.env },
    encoding: "utf8",
  });
  return run.stdout.trim() || run.stderr;
}

test.skipIf(!haveCompiler)("the wall clock of the process jumps by the offset, forward and back", () => {
  machine.setClockOffset(3_600_000);
  const ahead = Number(node("console.log(Date.now())")) - Date.now();
  machine.setClockOffset(-7_200_000);
  const behind = Number(node("console.log(Date.now())")) - Date.now();
  expect(ahead).toBeGreaterThan(3_590_000);
  expect(ahead).toBeLessThan(3_600_001);
  expect(behind).toBeLessThan(-7_200_000 + 1);
});

test.skipIf(!haveCompiler)("SQLite below the watched folder is told ENOSPC, elsewhere it writes", () => {
  machine.fillDisk(true);
  const insert = (path: string) =>
    node(`require('fs').mkdirSync(require('path').dirname(${JSON.stringify(path)}), { recursive: true });
      try { const d = new (require('better-sqlite3'))(${JSON.stringify(path)}); d.exec('create table t(a)'); console.log('ok') }
      catch (e) { console.log(e.code) }`);
  expect(insert(join(dir, "disk", "a.db"))).toBe("SQLITE_FULL");
  expect(insert(join(dir, "other", "a.db"))).toBe("ok");
});

test.skipIf(!haveCompiler)("a commit below the watched folder waits as long as the disk stalls", async () => {
  machine.stallDisk(true);
  const script = `require('fs').mkdirSync(${JSON.stringify(join(dir, "disk"))});
    const d = new (require('better-sqlite3'))(${JSON.stringify(join(dir, "disk", "b.db"))}); d.exec('create table t(a)')`;
  const child = spawn(process.execPath, ["-e", script], { env: { ...process.env, ...machine.env } });
  const exited = new Promise<number>((resolve) => child.on("exit", () => resolve(performance.now())));
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  machine.stallDisk(false);
  expect((await exited) - started).toBeGreaterThan(1_400);
});

/** Three rows, each committed by itself, and the power goes before the file is closed. */
function threeCommitsAndACut(synchronous: string): number {
  const path = join(dir, "disk", "c.db");
  rmSync(join(dir, "disk"), { recursive: true, force: true });
  const open = `require('fs').mkdirSync(${JSON.stringify(join(dir, "disk"))}, { recursive: true });
    const d = new (require('better-sqlite3'))(${JSON.stringify(path)});`;
  node(`${open} d.pragma('journal_mode = WAL'); d.exec('create table t(a)')`);
  machine.noteUnsynced();
  node(`${open} d.pragma('synchronous = ${synchronous}');
    for (const a of [1, 2, 3]) d.exec('insert into t values (' + a + ')'); process.kill(process.pid, 'SIGKILL')`);
  machine.cutPower(join(dir, "disk"), { ...randomFrom(1), pick: (items) => items[0]! });
  return Number(node(`${open} console.log(d.prepare('select count(*) n from t').get().n)`));
}

test.skipIf(!haveCompiler)("a cut of the power takes commits that were not synced, and only those", () => {
  expect(threeCommitsAndACut("FULL")).toBe(3);
  expect(threeCommitsAndACut("OFF")).toBe(0);
  machine.lieAboutSyncs(true);
  expect(threeCommitsAndACut("FULL")).toBe(0);
});
