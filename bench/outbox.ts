import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { FrameReader } from "../shared/ami-frame.ts";
import { readMessage } from "../shared/ami-message.ts";
import { Capture, NEVER_LATE, type CapturedRow } from "../agent/capture.ts";
import { systemClock } from "../agent/clock.ts";
import { gap } from "../agent/markers.ts";
import { Outbox } from "../agent/outbox/outbox.ts";
import type { StoredRow } from "../agent/outbox/store.ts";
import { Store } from "../agent/outbox/store.ts";
import { createLogger } from "../shared/log.ts";
import { temporaryFolder } from "../test/support/processes.ts";
import { figure, type Bench, type Figure } from "./figure.ts";
import { amiBytes } from "./recording.ts";

const CHUNK_BYTES = 64 * 1024;
const DAY_MS = 86_400_000;
const GIGABYTE = 2 ** 30;
const EVENTS_MIN = 60_000;

/** AMI bytes to rows committed in the outbox, against the same rows put into SQLite in the same groups and nothing else. */
export const outboxBench: Bench = {
  name: "outbox",
  what: "AMI bytes -> committed outbox",
  async run(say) {
    const folder = temporaryFolder();
    try {
      const bytes = amiBytes(EVENTS_MIN);
      say(`${(bytes.length / 2 ** 20).toFixed(1)} MB of AMI`);
      const { groups, seconds } = await capture(bytes, join(folder.path, "outbox.sqlite"));
      const events = groups.reduce((sum, rows) => sum + rows.length, 0);
      say(`${events} events in ${groups.length} groups`);
      const bareSeconds = insertBare(groups, join(folder.path, "bare.sqlite"));
      return figures(events, seconds, bareSeconds);
    } finally {
      folder.remove();
    }
  },
};

function figures(events: number, seconds: number, bareSeconds: number): Figure[] {
  const limit = { what: "bare SQLite inserts", value: events / bareSeconds };
  return [figure("AMI bytes -> committed outbox", "events/s", events / seconds, limit)];
}

/** The agent's own path, from bytes as a socket gives them to the last commit. */
async function capture(bytes: Buffer, path: string): Promise<{ groups: CapturedRow[][]; seconds: number }> {
  const rows = new Capture(systemClock, NEVER_LATE);
  const log = createLogger({ name: "bench", level: "silent" });
  const failed = (error: Error) => {
    throw error;
  };
  const bounds = { keepAckedMsMax: DAY_MS, keepAckedBytesMax: GIGABYTE, bytesMax: GIGABYTE, ageMsMax: DAY_MS };
  const outbox = new Outbox({ path, ...bounds }, { log, gapRow: (lost) => rows.row(gap(lost)), failed });
  const groups: CapturedRow[][] = [];
  outbox.onStored((stored) => groups.push([...stored]));
  await outbox.open();
  const reader = new FrameReader();
  const startedAt = performance.now();
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    const messages = reader.push(bytes.subarray(from, from + CHUNK_BYTES)).map(readMessage);
    outbox.submit(messages.flatMap((message) => (message.kind === "event" ? [rows.row(message.event)] : [])));
    await turn();
  }
  await outbox.settled();
  const seconds = (performance.now() - startedAt) / 1000;
  await outbox.close();
  return { groups, seconds };
}

function insertBare(groups: readonly CapturedRow[][], path: string): number {
  const store = new Store(path);
  let seq = 0;
  const numbered: StoredRow[][] = groups.map((rows) => rows.map((row) => Object.assign({}, row, { seq: ++seq })));
  const startedAt = performance.now();
  for (const rows of numbered) {
    store.transaction(() => {
      for (const row of rows) store.insert(row);
    });
  }
  const seconds = (performance.now() - startedAt) / 1000;
  store.close();
  return seconds;
}
