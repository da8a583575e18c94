import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeServer } from "../../test/agent/fake-server.ts";
import { Capture, NEVER_LATE, type CapturedRow } from "../capture.ts";
import { systemClock } from "../clock.ts";
import { gap } from "../markers.ts";
import { Outbox } from "../outbox/outbox.ts";
import { FORWARD_TIMINGS, Forwarder } from "./forwarder.ts";

let folder: string;
let server: FakeServer;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-forward-"));
  server = await FakeServer.start();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  if (server.wrong.length > 0) throw new Error(`not what the wire says: ${server.wrong[0]}`);
});

interface Rig {
  outbox: Outbox;
  forwarder: Forwarder;
  /** Submits so many events; `lag` is their age at capture. */
  events(count: number, lag?: number): void;
  stop(): Promise<void>;
}

const LATE = 60_000;
const log = pino({ level: "silent" });

async function outboxOnly(): Promise<{ outbox: Outbox; opened: Awaited<ReturnType<Outbox["open"]>> }> {
  const capture = new Capture(systemClock, NEVER_LATE);
  const bounds = { keepAckedMsMax: 1e9, keepAckedBytesMax: 1e9, bytesMax: 1e10, ageMsMax: 1e12 };
  const outbox = new Outbox(
    { path: join(folder, "outbox.db"), ...bounds },
    { log, gapRow: (lost) => capture.row(gap(lost)), failed: () => {} },
  );
  return { outbox, opened: await outbox.open() };
}

async function rig(before?: (outbox: Outbox) => Promise<void>): Promise<Rig> {
  const { outbox, opened } = await outboxOnly();
  let n = 0;
  const events = (count: number, lag = 0) => {
    outbox.submit(
      Array.from({ length: count }, (): CapturedRow => {
        const body = JSON.stringify({ Event: "Test", N: String(n++) });
        return { at: Date.now(), mono: systemClock.monoMs(), lag, name: "Test", linkedid: null, body };
      }),
    );
  };
  const forwarder = new Forwarder(
    { url: server.url, key: "rp_1_hush", windowMs: 15_000, agent: "test" },
    {
      clock: systemClock,
      random: () => 0,
      log,
      outbox,
      report: () => ({ ami: "connected", outbox_bytes: 0 }),
      files: { asked: () => {}, windows: (reports) => [...reports] },
    },
    { ...FORWARD_TIMINGS, wait: { retryDelayMsBase: 50, retryDelayMsMax: 100 } },
  );
  await before?.(outbox);
  forwarder.start(opened);
  const stop = async () => {
    await forwarder.stop(500);
    await outbox.close();
  };
  cleanups.push(stop);
  return { outbox, forwarder, events, stop };
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 2_000) throw new Error(`waited in vain: ${what()}`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

const arrived = (count: number) =>
  until(
    () => server.events.length >= count,
    () => `${server.events.length} of ${count} events`,
  );
const seqs = () => server.events.map(({ seq }) => seq).toSorted((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

describe("forwarding", () => {
  it("says hello first, with the key and nothing else, then sends each event once, live", async () => {
    const { events, outbox } = await rig();
    events(3);
    await arrived(3);
    const [hello] = server.batches;
    expect(hello?.events).toEqual([]);
    expect(hello?.authorization).toBe("Bearer rp_1_hush");
    expect(server.events.map(({ origin, ev }) => [origin, ev.Event])).toEqual([
      ["live", "Test"],
      ["live", "Test"],
      ["live", "Test"],
    ]);
    expect(new Set(server.batches.map(({ header }) => header.stream))).toEqual(new Set([outbox.state?.stream]));
  });

  it("has a lone event on its way within a few milliseconds", async () => {
    const { events } = await rig();
    events(1);
    await arrived(1);
    const times: number[] = [];
    for (let n = 2; n < 22; n++) {
      const startedAt = performance.now();
      events(1);
      while (server.events.length < n) await new Promise((wake) => setImmediate(wake));
      times.push(performance.now() - startedAt);
    }
    expect(times.toSorted((a, b) => a - b)[10]).toBeLessThan(60);
  });

  it("sends a big backlog oldest first in bounded batches while live events pass it", async () => {
    const { events } = await rig();
    events(20_000, LATE);
    await until(
      () => server.events.length > 500,
      () => "a backlog under way",
    );
    events(1);
    await until(
      () => server.events.some(({ seq }) => seq === 20_001),
      () => "the live event",
    );
    const before = server.events.length;
    await arrived(20_001);
    expect(before).toBeLessThan(15_000);
    const backlog = server.batches.filter(({ header, events: sent }) => header.lane === "backlog" && sent.length > 0);
    const order = backlog.flatMap((batch) => batch.events.map(({ seq }) => seq));
    expect(order).toEqual(upTo(20_000));
    expect(Math.max(...backlog.map((batch) => batch.events.length))).toBeLessThanOrEqual(4_000);
    expect(server.events.find(({ seq }) => seq === 20_001)?.origin).toBe("live");
    expect(server.events.find(({ seq }) => seq === 1)?.origin).toBe("downloaded");
  });

  it("keeps everything while the server is away and sends it when it is back", async () => {
    const { events, forwarder, outbox } = await rig();
    events(5);
    await arrived(5);
    await server.stop();
    events(50);
    await until(
      () => forwarder.link.state.state === "unreachable",
      () => "the word that the server is away",
    );
    expect(forwarder.link.state.problem).toContain(server.url);
    await server.listen();
    await arrived(55);
    expect(seqs()).toEqual(upTo(55));
    await until(
      () => outbox.state?.waiting === 0,
      () => `${outbox.state?.waiting} waiting`,
    );
    expect(forwarder.link.ok).toBe(true);
  });

  it("sends again what was not acked because the connection broke before the answer", async () => {
    const { events } = await rig();
    let cuts = 0;
    server.behave = ({ events: sent }) => (sent.length > 0 && cuts++ < 2 ? "cut" : undefined);
    events(10);
    await arrived(10);
    expect(seqs()).toEqual(upTo(10));
  });

  it.each([
    [401, { error: "unauthorized", message: "unknown key" }, "refuses the site key"],
    [403, { error: "revoked", message: "revoked" }, "refuses the site key"],
    [426, { error: "version", message: "speak 2" }, "does not speak version"],
    [404, "<html>nginx</html>", "is not a Ringpost server"],
    [422, "<html>proxy</html>", "is not a Ringpost server"],
    [200, "<html>captive portal</html>", "is not a Ringpost server"],
  ])("keeps buffering and says why when the server answers %i %o", async (status, body, words) => {
    let refuse = true;
    server.behave = () => (refuse ? { status, body } : undefined);
    const { events, forwarder, outbox } = await rig();
    events(4);
    await until(
      () => forwarder.link.state.state === "refused",
      () => "a refusal",
    );
    expect(forwarder.link.state.problem).toContain(words);
    expect(forwarder.link.state.problem).not.toContain("hush");
    await until(
      () => outbox.state?.waiting === 4,
      () => "4 waiting",
    );
    expect(outbox.state?.setAside).toBe(0);
    refuse = false;
    await arrived(4);
  });

  it.each([429, 500, 503])("tries again after %i, not before Retry-After", async (status) => {
    let first = 0;
    server.behave = ({ events: sent }) => {
      if (sent.length === 0 || first > 0) return undefined;
      first = Date.now();
      return { status, headers: { "retry-after": "1" } };
    };
    const { events } = await rig();
    events(2);
    await arrived(2);
    expect(Date.now() - first).toBeGreaterThanOrEqual(950);
  });

  it("splits a batch the server finds too large until it fits", async () => {
    server.behave = ({ events: sent }) =>
      sent.length > 7 ? { status: 413, body: { error: "large", message: "too large" } } : undefined;
    const { events } = await rig();
    events(200, LATE);
    await arrived(200);
    expect(seqs()).toEqual(upTo(200));
  });

  it("finds the one event the server cannot take by halving, sets it aside, and sends all others", async () => {
    const bad = new Set([3, 150]);
    server.behave = ({ events: sent }) => {
      const line = sent.findIndex(({ seq }) => bad.has(seq));
      return line < 0 ? undefined : { status: 422, body: { error: "invalid", message: "no", line: line + 2 } };
    };
    const { events, outbox } = await rig();
    events(300, LATE);
    await arrived(298);
    await until(
      () => outbox.state?.setAside === 2 && outbox.state.waiting === 0,
      () => JSON.stringify(outbox.state),
    );
    // The last two are the gap markers, so that the server does not ask for what it refuses.
    expect(seqs()).toEqual(upTo(302).filter((seq) => !bad.has(seq)));
  });

  it("goes straight to the event the server names, also when it came live", async () => {
    server.behave = ({ events: sent }) =>
      sent.some(({ seq }) => seq === 20)
        ? { status: 422, body: { error: "invalid", message: "no", line: 2, seq: 20 } }
        : undefined;
    const { events, outbox } = await rig();
    events(40);
    await arrived(39);
    await until(
      () => outbox.state?.setAside === 1,
      () => JSON.stringify(outbox.state),
    );
    const refused = server.batches.filter(({ events: sent }) => sent.some(({ seq }) => seq === 20));
    expect(refused.length).toBeLessThanOrEqual(4);
    events(1);
    await until(
      () => server.events.some(({ seq, origin }) => seq === 41 && origin === "live"),
      () => "the next live event",
    );
  });

  it("never sets an event aside for a refusal of the header", async () => {
    let refuse = true;
    server.behave = () =>
      refuse ? { status: 422, body: { error: "invalid", message: "header", line: 1 } } : undefined;
    const { events, outbox, forwarder } = await rig();
    events(3);
    await until(
      () => forwarder.link.state.state === "refused",
      () => "a refusal",
    );
    expect(outbox.state?.setAside).toBe(0);
    refuse = false;
    await arrived(3);
  });

  it("sends what the server asks for again: ranges and a span of time", async () => {
    const { events } = await rig();
    events(10);
    await arrived(10);
    let command: unknown = { do: "resend_ranges", ranges: [[2, 3]] };
    server.behave = () => {
      const commands = command === null ? [] : [command as never];
      command = null;
      return { commands };
    };
    const times = (seq: number) =>
      server.batches.filter(({ events: sent }) => sent.some((event) => event.seq === seq)).length;
    events(1);
    await until(
      () => times(2) === 2 && times(3) === 2,
      () => "2 and 3 once more",
    );
    command = { do: "resend_window", id: "w", from: 0, to: Date.now() + 1_000 };
    events(1);
    await until(
      () => times(10) === 2 && times(3) === 3,
      () => "all once more",
    );
    command = { do: "dance", steps: 3 };
    events(1);
    await until(
      () => server.events.length === 13,
      () => "an unknown command passed over",
    );
    expect(times(1)).toBe(2);
  });

  it("notices by itself that the server has lost what it had acked, and sends it again", async () => {
    const { events } = await rig();
    events(20);
    await arrived(20);
    const kept = 5;
    let told = false;
    server.behave = () => {
      if (told) return undefined;
      told = true;
      return { received_to: kept };
    };
    const again = () =>
      new Set(
        server.batches.flatMap((batch) =>
          told && batch.header.lane === "backlog" ? batch.events.map(({ seq }) => seq) : [],
        ),
      );
    await new Promise((wake) => setTimeout(wake, 1_200));
    events(1);
    await until(
      () => again().size >= 15,
      () => `${again().size} sent again`,
    );
    expect(Math.min(...again())).toBe(kept + 1);
  });

  it("takes a new stream when the server knows more of this one than the file ever had", async () => {
    const first = await rig();
    first.events(5);
    await arrived(5);
    await first.stop();
    cleanups.splice(0);
    server.behave = ({ events: sent }) => (sent.length === 0 ? { received_to: 50 } : undefined);
    const old = [...server.stored.keys()][0]?.split(" ")[0];
    const second = await rig();
    second.events(5);
    // Five events, and before them the marker that tells how far the old stream goes.
    await arrived(11);
    const streams = [...server.stored.keys()].map((id) => id.split(" ")[0]);
    expect(streams.slice(5).every((stream) => stream !== old)).toBe(true);
    const renumbered = server.events.slice(5).map(({ seq }) => seq);
    expect(renumbered.toSorted((a, b) => a - b)).toEqual(upTo(6));
  });

  it("keeps what it could not send over a stop, and sends it in the next run as the age says", async () => {
    await server.stop();
    const first = await rig();
    first.events(30, LATE);
    first.events(2);
    await first.outbox.settled();
    await first.stop();
    cleanups.splice(0);
    await server.listen();
    await rig();
    await arrived(32);
    expect(server.events.filter(({ origin }) => origin === "downloaded").length).toBeGreaterThanOrEqual(30);
  });

  it("ends within its time when the server never answers", async () => {
    server.behave = () => "silent";
    const { events, forwarder } = await rig();
    events(1);
    const startedAt = Date.now();
    await forwarder.stop(300);
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });
});
