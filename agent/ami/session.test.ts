import { afterEach, describe, expect, it } from "vitest";
import { pino } from "pino";
import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import { FakeAmi, type FakeAmiOptions } from "../../test/agent/fake-ami.ts";
import { systemClock } from "../clock.ts";
import type { Blindness } from "./blindness.ts";
import { AmiSession, type Remembered, type SessionTimings } from "./session.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const quick: SessionTimings = {
  pingMs: 50,
  factsMs: 300,
  snapshotMs: 300,
  connection: { connectMs: 500, greetingMs: 150, actionMs: 600 },
};

interface Rig {
  fake: FakeAmi;
  session: AmiSession;
  events: AmiEvent[];
  /** Waits until this many events of this name have come. */
  seen(name: string, count?: number): Promise<AmiEvent>;
  heard: (number | undefined)[];
  /** What the next run is to know. */
  silences: (Blindness | null)[];
}

const blindSince = (wallMs: number): Blindness => [
  { since: { wallMs, monoMs: systemClock.monoMs() - (Date.now() - wallMs) }, cause: "agent_down" },
];

async function rig(options: FakeAmiOptions = {}, remembered: Remembered = { wasTold: true }): Promise<Rig> {
  const fake = await FakeAmi.start(options);
  const events: AmiEvent[] = [];
  const heard: (number | undefined)[] = [];
  const silences: (Blindness | null)[] = [];
  const settings = { host: "127.0.0.1", port: fake.port, username: "agent", secret: "hidden" };
  const session = new AmiSession(
    settings,
    {
      clock: systemClock,
      random: () => 0,
      log: pino({ level: "silent" }),
      take: (taken) => void events.push(...taken),
      ageMs: () => 0,
      heard: (aheadMs) => void heard.push(aheadMs),
      silent: (blindness) => void silences.push(blindness),
      started: () => {},
      changed: () => {},
      blindEnded: () => false,
    },
    quick,
  );
  session.start(remembered);
  cleanups.push(
    () => fake.stop(),
    () => session.stop(),
  );
  const seen = async (name: string, count = 1) => {
    const found = () => events.filter(({ Event }) => Event === name)[count - 1];
    await until(() => found() !== undefined, `${name} x${count}, came: ${events.map(({ Event }) => Event).join(" ")}`);
    return found() as AmiEvent;
  };
  return { fake, session, events, seen, heard, silences };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

const names = (events: readonly AmiEvent[]) => events.map(({ Event }) => Event);

describe("a session with Asterisk", () => {
  it("begins with who it is, then the events held back meanwhile, then the channels that exist", async () => {
    const channel = [
      "Event: CoreShowChannel",
      "ActionID: ringpost-channels",
      "Channel: SIP/1",
      "Uniqueid: 7.1",
      "Linkedid: 7.0",
    ];
    const { events, seen } = await rig({
      answer: ({ Action, ActionID }, client) => {
        if (Action === "Login") setImmediate(() => client.say(["Event: FullyBooted", "Uptime: 60"]));
        if (Action !== "CoreShowChannels") return undefined;
        client.say(["Response: Success", `ActionID: ${ActionID}`]);
        client.say(channel);
        client.say(["Event: Newchannel", "Channel: SIP/2", "Uniqueid: 8.1", "Linkedid: 8.1"]);
        client.say(["Event: CoreShowChannelsComplete", "ActionID: ringpost-channels", "ListItems: 1"]);
        return null;
      },
    });
    const snapshot = await seen(MARKERS.snapshot);
    expect(events[0]).toMatchObject({
      Event: MARKERS.captureStarted,
      AsteriskVersion: "22.10.0",
      AmiVersion: "11.0.0",
    });
    expect(names(events)).toEqual([
      MARKERS.captureStarted,
      "FullyBooted",
      "CoreShowChannel",
      "Newchannel",
      "CoreShowChannelsComplete",
      "StatusComplete",
      MARKERS.snapshot,
    ]);
    expect(snapshot).toMatchObject({ Uniqueid: ["7.1", "8.1"], Linkedid: ["7.0", "8.1"], Complete: "true" });
  });

  it("calls a snapshot incomplete when AMI refuses the list, and says what that costs", async () => {
    const { session, seen } = await rig({
      answer: ({ Action }) =>
        Action === "CoreShowChannels" ? ["Response: Error", "Message: Permission denied"] : undefined,
    });
    expect(await seen(MARKERS.snapshot)).toMatchObject({ Complete: "false", Uniqueid: [] });
    await until(() => session.state.problem !== undefined, "a problem");
    expect(session.state.problem).toContain("write = reporting");
  });

  it("does not take a list for complete whose count is wrong", async () => {
    const { seen } = await rig({
      answer: ({ Action, ActionID }, client) => {
        if (Action !== "CoreShowChannels") return undefined;
        client.say(["Response: Success", `ActionID: ${ActionID}`]);
        client.say(["Event: CoreShowChannelsComplete", "ActionID: ringpost-channels", "ListItems: 3"]);
        return null;
      },
    });
    expect(await seen(MARKERS.snapshot)).toMatchObject({ Complete: "false" });
  });

  it("tells when a cut line ended the session, comes back, and names the gap; the cut event is not glued to the next", async () => {
    const { fake, events, seen } = await rig();
    const first = await fake.ready();
    first.socket.write("Event: Hangup\r\nUniqueid: 1.1\r\nChan");
    first.socket.end();
    const lost = await seen(MARKERS.captureLost);
    expect(lost).toMatchObject({ Cause: "ami_lost" });
    const second = await fake.ready(2);
    second.say(["Event: Newchannel", "Uniqueid: 2.1"]);
    await seen("Newchannel");
    const gap = await seen(MARKERS.gap);
    expect(gap).toMatchObject({ Cause: "ami_lost", From: lost["Since"] });
    expect(Number(gap["To"])).toBeGreaterThanOrEqual(Number(gap["From"]));
    expect(names(events)).not.toContain("Hangup");
  });

  it("takes a flood of 50,000 events without losing one or their order", async () => {
    const { fake, events, seen } = await rig();
    const client = await fake.ready();
    await seen(MARKERS.snapshot);
    const flood = Array.from({ length: 50_000 }, (_, n) => `Event: Flood\r\nN: ${n}\r\n\r\n`).join("");
    client.socket.write(flood);
    await seen("Flood", 50_000);
    const numbers = events.filter(({ Event }) => Event === "Flood").map((event) => Number(event["N"]));
    expect(numbers.every((n, index) => n === index)).toBe(true);
  });

  it("hears the next event after one huge line", async () => {
    const { fake, seen } = await rig();
    const client = await fake.ready();
    client.socket.write(`Event: VarSet\r\nValue: ${"x".repeat(5_000_000)}\r\n\r\n`);
    client.say(["Event: Hangup", "Uniqueid: 1.1"]);
    await seen("Hangup");
    expect((await seen("VarSet"))["RingpostTruncated"]).toMatch(/^\d+ bytes$/);
  });

  it("notices a peer that is silent without closing, and connects anew", async () => {
    let deaf = false;
    const { fake, seen } = await rig({ answer: ({ Action }) => (deaf && Action === "Ping" ? null : undefined) });
    await fake.ready();
    deaf = true;
    const lost = await seen(MARKERS.captureLost);
    expect(lost["Detail"]).toContain("no answer to Ping");
    deaf = false;
    await seen(MARKERS.captureStarted, 2);
  });

  it("says in plain words that the login was refused, keeps trying, and never shows the secret", async () => {
    let refuse = true;
    const { session, seen } = await rig({
      answer: ({ Action }) =>
        refuse && Action === "Login" ? ["Response: Error", "Message: Authentication failed"] : undefined,
    });
    await until(() => session.state.state === "refused", "a refusal");
    expect(session.state.problem).toContain("refused the login of agent (Authentication failed)");
    expect(session.state.problem).toContain("[ami] username and secret");
    expect(session.state.problem).not.toContain("hidden");
    refuse = false;
    await seen(MARKERS.captureStarted);
    expect(session.state).toMatchObject({ state: "connected", asteriskVersion: "22.10.0" });
    expect(await seen(MARKERS.gap)).toMatchObject({
      Cause: "rights_missing",
      Detail: expect.stringContaining("refused the login"),
    });
  }, 10_000);

  it("takes the only login there is as soon as whoever had it has left", async () => {
    let taken = 4;
    const { seen, session } = await rig({
      answer: ({ Action }) =>
        Action === "Login" && taken-- > 0
          ? ["Response: Error", "Message: User Name already in use in another session"]
          : undefined,
    });
    // Refused for another reason it would not have tried a third time by now.
    await seen(MARKERS.captureStarted);
    expect(session.state.state).toBe("connected");
  });

  it("tells the time in which Asterisk refused it apart from the time before", async () => {
    let refuse = true;
    const heardAt = Date.now() - 60_000;
    const { seen } = await rig(
      {
        answer: ({ Action }) =>
          refuse && Action === "Login" ? ["Response: Error", "Message: Authentication failed"] : undefined,
      },
      { blind: blindSince(heardAt), wasTold: true },
    );
    const lost = await seen(MARKERS.captureLost);
    expect(lost).toMatchObject({ Cause: "rights_missing", Detail: expect.stringContaining("refused the login") });
    refuse = false;
    const [before, during] = [await seen(MARKERS.gap), await seen(MARKERS.gap, 2)];
    expect(before).toMatchObject({ Cause: "agent_down", From: String(heardAt), To: lost["Since"] });
    expect(during).toMatchObject({ Cause: "rights_missing", From: lost["Since"] });
  }, 10_000);

  it("tells a web server by its answer to being spoken to", async () => {
    const { session } = await rig({
      greeting: null,
      onConnect: (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    });
    await until(() => session.state.state === "refused", "a refusal");
    expect(session.state.problem).toContain("a web server (HTTP)");
  });

  it("tells an SSH server, an old Asterisk and a silent port", async () => {
    const ssh = await rig({ greeting: "SSH-2.0-OpenSSH_9.2\r\n" });
    const old = await rig({ greeting: "Asterisk Call Manager/1.1\r\n" });
    const silent = await rig({ greeting: null, answer: () => null });
    for (const [{ session }, word] of [
      [ssh, "SSH"],
      [old, "13.5"],
      [silent, "said nothing"],
    ] as const) {
      await until(() => session.state.state === "refused", word);
      expect(session.state.problem).toContain(word);
    }
  });

  it("says that nothing listens and connects when something does", async () => {
    const { fake, session, seen } = await rig();
    await seen(MARKERS.captureStarted);
    await fake.stop();
    await until(() => session.state.problem?.includes("cannot connect") === true, "the word that nothing listens");
    const again = new FakeAmi();
    await again.listen(fake.port);
    cleanups.push(() => again.stop());
    await seen(MARKERS.captureStarted, 2);
    expect(session.state.problem).toBeUndefined();
  });

  it("knows a restart of Asterisk by its start time and by its Shutdown event", async () => {
    const { seen } = await rig(
      {},
      { blind: blindSince(Date.now() - 5_000), start: { startedText: "2025-12-31 00:00:00" }, wasTold: true },
    );
    await seen(MARKERS.asteriskRestarted);
    const other = await rig();
    const client = await other.fake.ready();
    client.say(["Event: Shutdown", "Shutdown: Cleanly", "Restart: True"]);
    client.socket.end();
    expect(await other.seen(MARKERS.captureLost)).toMatchObject({ Cause: "asterisk_restarted" });
    expect(await other.seen(MARKERS.gap)).toMatchObject({ Cause: "asterisk_restarted" });
    await other.seen(MARKERS.asteriskRestarted);
  });

  it("does not call it a restart when the same Asterisk is met again", async () => {
    const { fake, events, seen } = await rig();
    (await fake.ready()).socket.destroy();
    await seen(MARKERS.captureStarted, 2);
    expect(names(events)).not.toContain(MARKERS.asteriskRestarted);
  });

  it("tells after a crash since when the site was blind, and after a clean stop too", async () => {
    const heardAt = Date.now() - 90_000;
    const crashed = await rig({}, { blind: blindSince(heardAt), wasTold: false });
    expect(await crashed.seen(MARKERS.captureLost)).toMatchObject({ Cause: "agent_down", Since: String(heardAt) });
    expect(await crashed.seen(MARKERS.gap)).toMatchObject({ Cause: "agent_down", From: String(heardAt) });
    const clean = await rig({}, { blind: blindSince(heardAt), wasTold: true });
    expect(await clean.seen(MARKERS.gap)).toMatchObject({ Cause: "agent_down" });
    expect(names(clean.events)).not.toContain(MARKERS.captureLost);
  });

  it("stopped while AMI was lost, it tells in its next run that nothing was heard from that loss on, and why", async () => {
    const first = await rig();
    await first.seen(MARKERS.captureStarted);
    await first.fake.stop();
    const lost = await first.seen(MARKERS.captureLost);
    await new Promise((wake) => setTimeout(wake, 50));
    await first.session.stop();
    const kept = first.silences.at(-1);
    expect(kept?.map(({ cause }) => cause)).toEqual(["ami_lost", "agent_down"]);
    const { seen, events, silences } = await rig({}, { blind: kept ?? undefined, wasTold: true });
    const [cut, down] = [await seen(MARKERS.gap), await seen(MARKERS.gap, 2)];
    expect(cut).toMatchObject({ Cause: "ami_lost", From: lost["Since"], To: String(kept?.[1]?.since.wallMs) });
    expect(down).toMatchObject({ Cause: "agent_down", From: cut["To"] });
    expect(names(events)).not.toContain(MARKERS.captureLost);
    expect(silences.at(-1)).toBeNull();
  });

  it("names the loss that its gap stands for when the clock was set meanwhile", async () => {
    const before = Date.now() - 5_400_000;
    const blind: Blindness = [{ since: { wallMs: before, monoMs: systemClock.monoMs() - 2_000 }, cause: "agent_down" }];
    const { seen } = await rig({}, { blind, wasTold: false });
    const lost = await seen(MARKERS.captureLost);
    const gap = await seen(MARKERS.gap);
    expect(gap).toMatchObject({ Since: lost["Since"] });
    expect(Number(gap["To"]) - Number(gap["From"])).toBeLessThan(60_000);
  });

  it("a new outbox that was refused to its end remembers nothing, and the next run is the first", async () => {
    const { session, silences } = await rig({
      answer: ({ Action }) => (Action === "Login" ? ["Response: Error", "Message: Authentication failed"] : undefined),
    });
    await until(() => session.state.state === "refused", "a refusal");
    await session.stop();
    expect(silences).toEqual([]);
  });

  it("says of a new outbox, once, that nothing is remembered", async () => {
    const { fake, seen, events } = await rig();
    expect(await seen(MARKERS.captureStarted)).toMatchObject({ Outbox: "new" });
    (await fake.ready()).socket.destroy();
    await seen(MARKERS.captureStarted, 2);
    const outboxes = events.filter(({ Event }) => Event === MARKERS.captureStarted).map((event) => event["Outbox"]);
    expect(outboxes).toEqual(["new", undefined]);
  });

  it("asks again what exists when told that events were lost", async () => {
    const { session, seen, events } = await rig();
    await seen(MARKERS.snapshot);
    session.lookAgain();
    await seen(MARKERS.snapshot, 2);
    expect(names(events).filter((name) => name === MARKERS.captureStarted)).toHaveLength(2);
    expect(names(events)).not.toContain(MARKERS.gap);
  });

  it("says goodbye when it is stopped", async () => {
    const { fake, events, session } = await rig();
    await fake.ready();
    await session.stop();
    expect(events.at(-1)).toMatchObject({ Event: MARKERS.captureLost, Cause: "agent_down" });
  });

  it("learns the difference of the clocks from Ping", async () => {
    const { heard } = await rig({
      answer: ({ Action }) =>
        Action === "Ping" ? ["Response: Success", `Timestamp: ${(Date.now() / 1000 + 3_600).toFixed(6)}`] : undefined,
    });
    await until(() => heard.some((aheadMs) => aheadMs !== undefined), "a measured clock");
    const ahead = heard.find((aheadMs) => aheadMs !== undefined) ?? 0;
    expect(Math.abs(ahead - 3_600_000)).toBeLessThan(1_000);
  });

  it("goes on without facts when Asterisk will not tell them", async () => {
    const { fake, seen } = await rig({ answer: ({ Action }) => (Action === "CoreStatus" ? null : undefined) });
    const client = await fake.ready();
    client.say(["Event: Newchannel", "Uniqueid: 1.1"]);
    expect(await seen(MARKERS.captureStarted)).toMatchObject({ AmiVersion: "11.0.0" });
    await seen("Newchannel");
  });
});
