import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { capture } from "../captures.ts";
import { headerOf } from "./capture.ts";
import { TestClient } from "./client.ts";
import { DEMO_USER, startPbx, type Pbx, type PbxOptions } from "./pbx.ts";
import { EVERYTHING } from "./rights.ts";

const OPEN_USER = { ...DEMO_USER, ...EVERYTHING };
const answered = capture("22/incoming_answered");
let pbx: Pbx;

async function pbxWithClient(options: PbxOptions = {}): Promise<TestClient> {
  pbx = await startPbx({ users: [OPEN_USER], ...options });
  return TestClient.login(pbx.port, DEMO_USER);
}

afterEach(async () => {
  await pbx.stop();
});

describe("the PBX stand-in, to whoever logs in", () => {
  it("greets, refuses a wrong secret in Asterisk's words and hangs up", async () => {
    pbx = await startPbx({ version: "16" });
    const client = await TestClient.login(pbx.port, { username: "ringpost", secret: "wrong" });
    expect(client.received).toBe(
      "Asterisk Call Manager/5.0.4\r\nResponse: Error\r\nActionID: Login-1\r\nMessage: Authentication failed\r\n\r\n",
    );
    await expect.poll(() => client.closed).toBe(true);
  });

  it("accepts the right secret, tells FullyBooted, and refuses what `write = reporting` does not allow", async () => {
    const client = await pbxWithClient({ users: [DEMO_USER] });
    await client.until((text) => text.includes("Status: Fully Booted"));
    expect(await client.ask("Command", { Command: "core show version" })).toContain("Message: Permission denied");
    expect(await client.ask("PJSIPShowEndpoints")).toContain("Message: Permission denied");
    expect(await client.ask("Ping")).toMatch(/Ping: Pong\r\nTimestamp: \d+\.\d{6}\r\n/);
    expect(await client.ask("CoreSettings")).toContain("AsteriskVersion: 22.10.0");
    expect(await client.ask("CoreStatus")).toMatch(
      /CoreStartupDate: \d{4}-\d\d-\d\d\r\nCoreStartupTime: \d\d:\d\d:\d\d/,
    );
  });

  it("lets nobody who is not logged in ask anything", async () => {
    pbx = await startPbx();
    const client = new TestClient(pbx.port);
    expect(await client.ask("CoreShowChannels")).toContain("Message: Permission denied");
    client.close();
  });
});

describe("a play", () => {
  it("sends byte for byte what was recorded, but for its time and ids", async () => {
    const client = await pbxWithClient();
    const played = await pbx.play(answered, { speed: "full", ids: "captured", startAt: answered.startedAt });
    await played.done;
    const recorded = answered.connections[0]!.events.map((event) => event.text).join("");
    await client.until((text) => text.length >= recorded.length);
    expect(client.received.endsWith(recorded)).toBe(true);
  });

  it("gives each play ids, channel names and bridges of its own, moved together in every form", async () => {
    const client = await pbxWithClient();
    const first = await pbx.play(answered, { speed: "full" });
    const second = await pbx.play(answered, { speed: "full" });
    await Promise.all([first.done, second.done]);
    const count = answered.connections[0]!.events.length;
    await expect.poll(() => client.events.length).toBe(2 * count + 1);
    const names = ["Uniqueid", "Channel", "BridgeUniqueid"] as const;
    for (const name of names) {
      const values = client.events
        .map((event) => headerOf(`${event}\r\n`, name))
        .filter((value) => value !== undefined);
      const recorded = answered.connections[0]!.events.map((event) => headerOf(event.text, name));
      const distinct = new Set(recorded.filter((value) => value !== undefined));
      expect(new Set(values).size).toBe(distinct.size * 2);
    }
    expect(client.received).not.toContain("1795477017.");
    expect(first.id("1795477017.0")).not.toBe(second.id("1795477017.0"));
    expect(client.received).toContain(`DestUniqueid: ${second.id("1795477017.1")}\r\n`);
  });

  it("adds the true time of each event as a Timestamp header even when it plays at full speed", async () => {
    const client = await pbxWithClient({ timestamps: true });
    const startAt = Date.now() - 60_000;
    const play = await pbx.play(answered, { speed: "full", startAt });
    await play.done;
    await client.until((text) => text.split("Event: Hangup\r\n").length === 3);
    const stamps = client.events.flatMap((event) => headerOf(`${event}\r\n`, "Timestamp") ?? []).map(Number);
    expect(stamps.length).toBe(answered.connections[0]!.events.length);
    expect(stamps.at(-1)! - stamps[0]!).toBeCloseTo(
      (answered.endedAt - answered.connections[0]!.events[0]!.at) / 1000,
      2,
    );
    expect(Math.abs(stamps[0]! * 1000 - startAt)).toBeLessThan(2_500);
  });

  it("keeps the recorded pace, or so many times that", async () => {
    const client = await pbxWithClient();
    const beganAt = Date.now();
    const play = await pbx.play(answered, { speed: 10 });
    await play.done;
    const tookMs = Date.now() - beganAt;
    expect(tookMs).toBeGreaterThan(550);
    expect(tookMs).toBeLessThan(1_500);
    client.close();
  });

  it("tells a listener only what its classes and eventfilters let through, and answers unfiltered", async () => {
    const client = await pbxWithClient({
      users: [{ ...OPEN_USER, read: ["call"], eventfilters: ["Event: (New|Hang)"] }],
    });
    const play = await pbx.play(answered, { speed: "full" });
    await play.done;
    expect(await client.ask("Ping")).toContain("Pong");
    const heard = new Set(client.events.map((event) => headerOf(`${event}\r\n`, "Event")));
    expect([...heard].sort()).toEqual(["Hangup", "HangupRequest", "NewConnectedLine", "Newchannel", "Newstate"]);
    expect(client.received).not.toContain("FullyBooted");
    expect(client.events.length).toBeGreaterThan(6);
  });

  it("answers CoreShowChannels and Status from the calls in progress", async () => {
    const client = await pbxWithClient();
    const play = await pbx.play(answered);
    await client.until((text) => text.includes("Event: BridgeEnter"));
    const shown = await client.ask("CoreShowChannels", {}, "Complete\r\nListItems: 2\r\n");
    const status = await client.ask("Status", {}, "Items: 2\r\nItems: 2\r\n");
    expect(shown).toContain(
      `Uniqueid: ${play.id("1795477017.0")}\r\nLinkedid: ${play.id("1795477017.0")}\r\nApplication: Dial`,
    );
    expect(shown).toMatch(/Channel: PJSIP\/150-[0-9a-f]{8}\r\nChannelState: 6\r\n/);
    expect(shown.match(/BridgeId: [0-9a-f-]{36}/g)?.length).toBe(2);
    expect(status).toContain("DNID: 0443000150\r\n");
    play.stop();
  });

  it("begins a mid-call recording with somebody who logs in in mid-call, and shows what the real PBX showed", async () => {
    const midcall = capture("22/midcall_connect");
    pbx = await startPbx({ users: [OPEN_USER] });
    const starting = pbx.play(midcall, { ids: "captured" });
    const client = await TestClient.login(pbx.port, DEMO_USER);
    const shown = await client.ask("CoreShowChannels", {}, "ListItems: 4\r\n");
    await client.ask("Status", {}, "Items: 4\r\n");
    const play = await starting;
    const plain = (text: string) => text.replace(/(Duration|BridgeId|ActionID|Uniqueid|Linkedid): .*\r\n/g, "");
    for (const text of midcall.connections[0]!.existing.filter((text) => text.includes("CoreShowChannel")))
      expect(plain(shown)).toContain(plain(text));
    expect(shown).toContain(`Uniqueid: ${play.id("1795477659.1037")}\r\n`);
    play.stop();
  });

  it("answers the login that begins a mid-call recording at the recording's own fraction of a second", async () => {
    const midcall = capture("22/midcall_connect");
    pbx = await startPbx({ users: [OPEN_USER] });
    const starting = pbx.play(midcall);
    const client = await TestClient.login(pbx.port, DEMO_USER);
    const answeredAt = Date.now();
    await client.ask("CoreShowChannels", {}, "ListItems: 4\r\n");
    await client.ask("Status", {}, "Items: 4\r\n");
    const play = await starting;
    expect(answeredAt).toBeGreaterThanOrEqual(midcall.startedAt + play.shift.ms - 2);
    play.stop();
  });

  it("plays a restart: the connection ends, the channels are gone, the next login finds a younger Asterisk", async () => {
    const restart = capture("22/restart_core");
    const client = await pbxWithClient();
    const play = await pbx.play(restart, { speed: 20 });
    await client.until((text) => text.includes("Restart: True"));
    await expect.poll(() => client.closed).toBe(true);
    await expect.poll(() => pbx.channels.size).toBe(0);
    await sleep(200);
    const again = await TestClient.login(pbx.port, DEMO_USER);
    await again.until((text) => /Uptime: [0-9]\r\n/.test(text));
    await again.ask("CoreShowChannels", {}, "ListItems: 0\r\n");
    await again.ask("Status", {}, "Items: 0\r\n");
    await again.until((text) => text.includes(`Uniqueid: ${play.id("1795477432.0")}\r\n`));
    await play.done;
  });
});

describe("a load", () => {
  it("plays numbered calls at the asked rate, thousands of events a second", async () => {
    const client = await pbxWithClient({ sequenceNumbers: true });
    const load = pbx.load(answered, {
      callsPerSecond: 100,
      calls: 50,
      speed: 20,
      phone: { from: "0501112233", numbered: (n) => `05${String(n).padStart(8, "0")}` },
    });
    await load.done;
    const count = answered.connections[0]!.events.length;
    expect(load.eventsPlayed).toBe(50 * count);
    await expect.poll(() => client.events.length).toBe(50 * count + 1);
    const numbers = client.events.flatMap((event) => headerOf(`${event}\r\n`, "SequenceNumber") ?? []).map(Number);
    expect(numbers).toEqual(Array.from({ length: 50 * count }, (_, n) => n + 1));
    const callers = new Set(client.received.match(/CallerIDNum: 05\d{8}/g));
    expect(callers.size).toBe(50);
    expect(client.received).toContain(`Linkedid: ${load.id("1795477017.0", 49)}\r\n`);
  });
});

describe("a PBX that misbehaves", () => {
  it("cuts an event in the middle of a line and closes", async () => {
    const client = await pbxWithClient();
    pbx.cutNextEvent();
    pbx.flood(1);
    await expect.poll(() => client.closed).toBe(true);
    expect(client.received.endsWith("\r\n")).toBe(false);
  });

  it("stalls answers and events alike, and sends them in order afterwards", async () => {
    const client = await pbxWithClient();
    pbx.stall();
    pbx.flood(3);
    await sleep(100);
    expect(client.received).not.toContain("flood");
    pbx.resume();
    await client.until((text) => text.includes("flood-3"));
    expect(client.received.indexOf("flood-1")).toBeLessThan(client.received.indexOf("flood-3"));
  });

  it("drops a reader that takes nothing for 100 ms once the buffers are full", async () => {
    const client = await pbxWithClient();
    client.socket.pause();
    pbx.flood(120_000);
    await expect.poll(() => pbx.clients, { timeout: 5_000 }).toBe(0);
    client.close();
  });

  it("answers as a web server where AMI was expected", async () => {
    pbx = await startPbx();
    pbx.answerAs("http");
    const client = new TestClient(pbx.port);
    await client.until((text) => text.startsWith("HTTP/1.1 400"));
    await expect.poll(() => client.closed).toBe(true);
  });
});
