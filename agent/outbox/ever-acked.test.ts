import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Capture, NEVER_LATE } from "../capture.ts";
import { Keeper } from "./keeper.ts";
import { readBatch } from "./read.ts";

const NOW = 1_800_000_000_000;
const clock = { wallMs: () => NOW, monoMs: () => 1_000 };
const capture = new Capture(clock, NEVER_LATE);
let folder: string;
let keeper: Keeper;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-acked-"));
  keeper = open();
});
afterEach(() => {
  keeper.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): Keeper {
  const bounds = { keepAckedMsMax: 1e12, keepAckedBytesMax: 1e9, bytesMax: 1e10, ageMsMax: 1e12 };
  return new Keeper({ path: join(folder, "outbox.db"), ...bounds }, { clock, capture, note: () => {} });
}

function reopened(): Keeper {
  keeper.close();
  return (keeper = open());
}

const add = (count: number) =>
  keeper.append(Array.from({ length: count }, () => capture.row({ Event: "PeerStatus", Peer: "PJSIP/150" })));
const acked = () => keeper.state().acked;
function read() {
  const request = { before: Number.MAX_SAFE_INTEGER, eventsMax: 1_000, bytesMax: 1e9, windowMs: 15_000 };
  const batch = readBatch(keeper, request, { wallMs: NOW, monoMs: 1_000 });
  const text = Buffer.from(batch?.lines ?? []).toString();
  return { acked: batch?.acked, origins: [...text.matchAll(/"origin":"(\w+)"/g)].map(([, origin]) => origin) };
}

it("what was acked is still called so while it is sent again, over a restart, and is then not live", () => {
  add(10);
  keeper.ack([[1, 6]]);
  expect(acked()).toEqual([[1, 6]]);
  keeper.resend([[4, 10]]);
  expect(keeper.state().oldestUnacked).toBe(4);
  expect(acked()).toEqual([[1, 6]]);
  const young = Array.from({ length: 4 }, () => "live");
  expect(read()).toEqual({ acked: [[1, 6]], origins: ["downloaded", "downloaded", "downloaded", ...young] });
  reopened();
  expect(acked()).toEqual([[1, 6]]);
  keeper.ack([[4, 10]]);
  expect(acked()).toEqual([[1, 10]]);
});

it("what was given up was never acked, also after a restart", () => {
  add(10);
  keeper.ack([[1, 4]]);
  keeper.gone.lose([[5, 7]], "outbox_full");
  expect(acked()).toEqual([[1, 4]]);
  reopened();
  expect(keeper.state().oldestUnacked).toBe(8);
  expect(acked()).toEqual([[1, 4]]);
  keeper.resend([[1, 11]]);
  expect(acked()).toEqual([[1, 4]]);
});

it("each stream is told of by its own seqs", () => {
  add(5);
  keeper.ack([[1, 5]]);
  keeper.fork(5, "the test wants another");
  add(3);
  keeper.ack([[6, 7]]);
  expect(acked()).toEqual([[1, 2]]);
  expect(keeper.everAcked.of({ base: 0, stream: "" })).toEqual([[1, 5]]);
});

it("a damaged file forgets nothing of it", () => {
  add(10);
  keeper.ack([[1, 6]]);
  keeper.resend([[2, 6]]);
  keeper.rebuild(new Error("database disk image is malformed"));
  expect(keeper.everAcked.of({ base: 0, stream: "" })).toEqual([[1, 6]]);
});
