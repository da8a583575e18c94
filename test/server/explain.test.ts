import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Explanation } from "../../server/assemble/index.ts";
import { server } from "./command.ts";

const SCENARIOS = join(import.meta.dirname, "..", "scenarios");
const recording = join(SCENARIOS, "22", "ring_group_answered", "ami.raw");
const OFFICE = ["--extensions", "^1\\d\\d$", "--trunks", "trunk-a,trunk-b", "--timezone", "UTC"];

const folder = mkdtempSync(join(tmpdir(), "ringpost-explain-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("explain draws a recorded call as a ladder, with the row each rung becomes", async () => {
  const { status, out, err } = await server(["explain", recording, ...OFFICE]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(/^incoming call 1795477052\.35, answered, 0502220001, over trunk-a, main extension 151, 5 s/);
  expect(out).toMatch(/23:37:32\.\d{3} \|-+>\| .* rings {2}-> call_events 2 dial, participant 1/);
  expect(out).toMatch(/participant 2: 151 answered, rang 2 s, caller_hangup/);
});

test("explain --json gives the same call to machines", async () => {
  const { out } = await server(["explain", recording, ...OFFICE, "--json"]);
  const [told, ...others] = JSON.parse(out) as Explanation[];
  expect(others).toEqual([]);
  expect(told?.call).toMatchObject({ callStatus: "answered", mainExtension: "151", durationSeconds: 5 });
  expect(told?.columns.map((column) => column.label)).toEqual(["trunk-a", "150", "151", "152"]);
});

test("explain keeps the order of a recording nobody noted the times of", async () => {
  const lone = join(folder, "lone.raw");
  copyFileSync(recording, lone);
  const { out } = await server(["explain", lone, ...OFFICE, "--json"]);
  const [told] = JSON.parse(out) as Explanation[];
  expect(told?.call.callStatus).toBe("answered");
  expect(told?.call.participants.map(({ extension, status }) => [extension, status])).toEqual([
    ["150", "no_answer"],
    ["151", "answered"],
    ["152", "no_answer"],
  ]);
  expect(new Date(told?.call.startTime ?? 0).toISOString()).toBe("2026-11-23T23:37:32.000Z");
});

test("explain of a file that is not there, or holds no calls, says so", async () => {
  expect(await server(["explain", join(folder, "none.raw")])).toMatchObject({
    status: 1,
    err: expect.stringContaining("ENOENT") as string,
  });
  const empty = join(folder, "empty.raw");
  writeFileSync(empty, "Asterisk Call Manager/5.0.4\r\n");
  expect(await server(["explain", empty])).toMatchObject({ status: 0, out: `no calls in ${empty}\n` });
});

test("explain wants a recording or a stored call, not both", async () => {
  const { status, err } = await server(["explain", recording, "--call", "1"]);
  expect(status).toBe(1);
  expect(err).toContain("one of them");
});
