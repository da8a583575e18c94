import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { codeOf, messageOf } from "../../shared/errors.ts";
import { systemClock } from "../clock.ts";
import { classify } from "./failure.ts";
import { Keeper } from "./keeper.ts";
import { checkRows, lookInto } from "./look.ts";
import { Lines } from "./lines.ts";
import type { FromWorker, OutboxSettings, OutboxState, ToWorker } from "./protocol.ts";
import { olderStreams } from "./older.ts";
import type { Note } from "./ports.ts";
import { readBatch } from "./read.ts";
import { openPatiently } from "./patience.ts";
import { TellingCapture } from "./telling-capture.ts";

/** Acks and waiting rows reach the disk within this time even when no event comes. */
const FLUSH_MS = 1_000;
/** Steps of retention per flush: deleting must not keep commits waiting. */
const PRUNE_STEPS_MAX = 5;

/** The thread that has the outbox file. Everything it is asked to do is done in order, one thing at a time. */
async function main(settings: OutboxSettings, say: (message: FromWorker) => void): Promise<void> {
  const note = (level: "info" | "warn" | "error", text: string, fields: Record<string, unknown>) =>
    say({ is: "note", level, text, fields });
  const capture = new TellingCapture((marker) => say({ is: "gap", marker }));
  const ports = { clock: systemClock, capture, note };
  const keeper = await openPatiently(() => new Keeper(settings, ports), settings.path, note);
  const timer = setInterval(() => guarded(keeper, note, () => tend(keeper, say)), FLUSH_MS);
  parentPort?.on("message", (message: ToWorker) => {
    if (message.do === "close") clearInterval(timer);
    const done = guarded(keeper, note, () => obey(keeper, message, say));
    // Whoever asked waits for an answer, also when the disk gave none.
    if (!done && message.do === "read") say({ is: "batch", batch: null, state: stateOf(keeper) });
    if (!done && message.do === "older") say({ is: "older", streams: [] });
    if (!done && message.do === "look") say({ is: "look", look: null });
    if (!done && message.do === "check") say({ is: "checked", rows: null });
  });
  say({ is: "opened", opened: keeper.opened });
}

/** Damage found on the way rebuilds the file and the work is done again; what else fails is told and tried again later. */
function guarded(keeper: Keeper, note: Note, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (classify(error) === "corrupt") {
      keeper.rebuild(error);
      work();
      return true;
    }
    note("error", "the outbox could not do what was asked", { error: messageOf(error) });
    return false;
  }
}

/** Also reading the state may find damage; what was done before must not be done again for it. */
function stateOf(keeper: Keeper): OutboxState {
  try {
    return keeper.state();
  } catch (error) {
    keeper.rebuild(error);
    return keeper.state();
  }
}

function tend(keeper: Keeper, say: (message: FromWorker) => void): void {
  keeper.stayInPlace();
  keeper.flush();
  for (let step = 0; step < PRUNE_STEPS_MAX && keeper.prune(); step++);
  keeper.layBallast();
  say({ is: "state", state: stateOf(keeper) });
}

function obey(keeper: Keeper, message: ToWorker, say: (message: FromWorker) => void): void {
  switch (message.do) {
    case "append":
      // A step deletes as many rows as a group brings at most: the bound holds under any load.
      if (keeper.overgrown) keeper.prune();
      return say({ is: "stored", ...keeper.append(message.rows), state: stateOf(keeper) });
    case "read": {
      const now = { wallMs: systemClock.wallMs(), monoMs: systemClock.monoMs() };
      return say({ is: "batch", batch: readBatch(keeper, message.request, now, lines), state: stateOf(keeper) });
    }
    case "ack":
      return keeper.ack(message.ranges);
    case "resend":
      return keeper.resendOf(message.stream, message.ranges);
    case "resend_window":
      return keeper.resendWindow(message.id, message.from, message.to);
    case "resend_above":
      return keeper.resend([[message.seq + 1, keeper.highest]]);
    case "set_aside":
      return keeper.setAside(message.seq, message.reason);
    case "remember":
      return keeper.remember(message.key, message.value);
    case "older":
      return say({ is: "older", streams: olderStreams(keeper) });
    case "look":
      return say({ is: "look", look: lookInto(keeper.store, keeper.done.list) });
    case "check":
      return say({ is: "checked", rows: checkRows(keeper.store, message.from) });
    case "fork":
      keeper.fork(message.base, message.why);
      return say({ is: "forked", state: stateOf(keeper) });
    case "close":
      keeper.close();
      say({ is: "closed" });
      parentPort?.close();
  }
}

const lines = new Lines();
/** A batch's bytes are handed over, not copied. */
const say = (message: FromWorker) => {
  const bytes = message.is === "batch" && message.batch !== null ? [message.batch.lines.buffer] : [];
  parentPort?.postMessage(message, bytes);
};
// Loaded outside a thread (compile-all.ts) it only is compiled.
if (!isMainThread) {
  main(workerData as OutboxSettings, say).catch((error: unknown) => {
    say({ is: "failed", code: codeOf(error) ?? "unknown", message: messageOf(error) });
    parentPort?.close();
  });
}
