import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heartbeat, send } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { capture } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { GROUP, setTelegram } from "./telegram-office.ts";
import { callsOut, countOf, later, openTelegramWorld, titles, type World } from "./telegram-world.ts";

let world: World;
beforeEach(async () => void (world = await openTelegramWorld()));
afterEach(() => world.close());

const HOUR = 3_600_000;
const FLAGS = "SELECT DISTINCT needs_telegram, telegram_sent, integration_sent, processed FROM call_events";
const SENT = { needs_telegram: true, telegram_sent: true, integration_sent: false, processed: true };

describe("a card", () => {
  it("is one message, edited as the call goes on; the flags say so", async () => {
    const { office, api } = world;
    await setTelegram(office);
    world.start();
    const { events } = phoneCall();
    for (const [from, to, line] of [
      [0, 1, "🕐 waiting"],
      [1, 3, "🔔 ringing: 150"],
      [3, 7, "🗣 talking: 150"],
      [7, 12, "✅ answered by 150 · talked 0:10 · waited 0:03"],
    ] as const) {
      await world.sendPart(1, events.slice(from, to), to);
      await expect.poll(() => api.messages[0]?.text, { timeout: 20_000 }).toContain(line);
    }
    await world.settled();
    expect([api.messages.length, countOf(api, "sendMessage"), countOf(api, "editMessageText")]).toEqual([1, 1, 3]);
    expect(api.messages[0]).toMatchObject({ chat: GROUP, thread: null, quiet: false, button: null });
    expect(await office.rows(FLAGS)).toEqual([SENT]);
  });

  it("of a bot with too much to say leaves out what goes on meanwhile, and its end waits for nothing", async () => {
    const { office, api } = world;
    await setTelegram(office, [{ name: "boss", chat: "42" }]);
    world.start();
    const { events } = phoneCall();
    await world.sendPart(1, events.slice(0, 1), 1);
    await expect.poll(() => api.messages[0]?.text, { timeout: 20_000 }).toContain("waiting");
    const busy = "UPDATE telegram_pace SET sent = array_fill(now() + interval '1 second', ARRAY[16]) WHERE chat = ''";
    await office.rows(busy);
    await world.sendPart(1, events.slice(1, 7), 7);
    const later =
      "SELECT DISTINCT next_attempt_at > now() + interval '5 seconds' AS put_off FROM deliveries WHERE state = 'waiting'";
    await expect.poll(() => office.rows(later), { timeout: 20_000 }).toEqual([{ put_off: true }]);
    // Longer than the bot has too much to say, and than a look of the sweep.
    await new Promise((wake) => setTimeout(wake, 3_500));
    expect(api.requests).toHaveLength(1);
    const endedAt = performance.now();
    await world.sendPart(1, events.slice(7), events.length);
    await expect.poll(() => api.messages[0]?.text, { timeout: 20_000, interval: 20 }).toContain("✅ answered by 150");
    expect(api.requests.at(-1)!.at - endedAt).toBeLessThan(2_000);
    await world.settled();
    expect(api.requests.map(({ method }) => method)).toEqual(["sendMessage", "editMessageText"]);
  });

  it("of a call that is over before it could be sent is its end, once", async () => {
    const { office, api } = world;
    await setTelegram(office);
    world.start();
    await world.play({ answered: false });
    await world.settled();
    expect(api.requests.map(({ method }) => method)).toEqual(["sendMessage"]);
    expect(api.messages).toMatchObject([{ quiet: false, button: { text: "Mark as handled" } }]);
    expect(api.messages[0]!.text).toMatch(/^❗️ Missed call from <b>0501112233<\/b> · \d\d:\d\d\nto 0441234567\n/);
    expect(await office.rows(FLAGS)).toEqual([SENT]);
  });

  it("of a call to an offline phone is a missed call", async () => {
    await setTelegram(world.office);
    world.start();
    await world.sendAll(eventsOf(capture("22/incoming_unregistered"), "recommended"));
    await world.settled();
    expect(titles(world.api)).toEqual([expect.stringMatching(/^❗️ Missed call/)]);
    expect(world.api.messages[0]!.text).toContain("(not registered)");
  });

  it.each(["incoming_unregistered", "incoming_all_busy", "incoming_unknown_did", "incoming_declined"])(
    "of %s rings in the chat of missed calls, once",
    async (name) => {
      await setTelegram(world.office, [{ name: "missed", chat: "42", only: "missed" }]);
      world.start();
      await world.sendAll(eventsOf(capture(`22/${name}`), "recommended"));
      await world.settled();
      expect(world.api.messages).toMatchObject([{ quiet: false, texts: [expect.stringMatching(/^❗️ Missed call/)] }]);
    },
  );

  it("goes to the chats that want it: missed only, by extension, by type, into a topic", async () => {
    const { office, api } = world;
    await setTelegram(office, [
      { name: "missed", chat: "-2", only: "missed" },
      { name: "of 150", chat: "-3", extensions: ["150"], thread: 9 },
      { name: "of 151", chat: "-4", extensions: ["151"] },
      { name: "out", chat: "-5", types: ["outgoing"], silent: true },
    ]);
    world.start();
    await world.play();
    await world.play({ answered: false });
    await world.sendAll(callsOut("0502223344", 0));
    await world.settled();
    const inChat = (chat: string) => api.messages.filter((one) => one.chat === chat);
    expect(inChat("-2").map(({ text }) => text.slice(0, 9))).toEqual(["❗️ Missed"]);
    expect(inChat("-3").map(({ thread }) => thread)).toEqual([9, 9, 9]);
    expect(inChat("-4")).toEqual([]);
    expect(inChat("-5")).toMatchObject([
      { quiet: true, text: expect.stringContaining("📤 150 calls <b>0502223344</b>") },
    ]);
    expect(await office.rows(`${FLAGS} ORDER BY 1`)).toEqual([SENT]);
  });

  it("of a step that no chat wants is not needed", async () => {
    await setTelegram(world.office, [{ name: "out", chat: "-5", types: ["outgoing"] }]);
    world.start();
    await world.play();
    expect(await world.deliveries()).toEqual({});
    expect(await world.office.rows(FLAGS)).toEqual([{ ...SENT, needs_telegram: false, telegram_sent: false }]);
  });

  it("tells which call of the day it is and who answered the last", async () => {
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    await world.play();
    await world.play({ laterMs: 60_000, answered: false });
    world.start();
    await world.settled();
    expect(world.api.messages.map(({ text }) => text.split("\n").at(-1))).toEqual([
      "2nd call today, last answered by 150",
      expect.stringContaining("✅ answered by 150"),
    ]);
  });

  it("missed calls go first when many wait", async () => {
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    for (let count = 0; count < 3; count++) await world.play({ number: `05011100${count}0` });
    await world.play({ number: "0509998877", answered: false });
    world.start();
    await world.settled();
    expect(titles(world.api)[0]).toBe("❗️ Missed call from 0509998877");
    expect(world.api.messages).toHaveLength(4);
  });

  it("a missed call of now is told before those that waited out an outage", async () => {
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    for (let count = 0; count < 3; count++) await world.play({ number: `05011100${count}0`, answered: false });
    await world.pass(10 * 60_000);
    await world.play({ number: "0509998877", answered: false });
    world.start();
    await world.settled();
    expect(titles(world.api).map((title) => title.slice(-10))).toEqual([
      "0509998877",
      "0501110000",
      "0501110010",
      "0501110020",
    ]);
  });
});

describe("never a false alarm", () => {
  it("a day of backlog replayed: not a message", async () => {
    await setTelegram(world.office);
    world.start();
    for (let count = 0; count < 24; count++) {
      const laterMs = Date.now() - 1_700_000_000_000 - (count + 1.5) * HOUR;
      await world.play({ origin: "downloaded", answered: count % 2 === 0, laterMs });
    }
    expect(world.api.requests).toEqual([]);
    expect(await world.deliveries()).toEqual({});
    expect(await world.office.rows(FLAGS)).toEqual([{ ...SENT, needs_telegram: false, telegram_sent: false }]);
  });

  it("the end of a replayed call within the limit is told once, and nothing of its course", async () => {
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    world.start();
    const laterMs = Date.now() - 1_700_000_000_000 - 10 * 60_000;
    await world.play({ origin: "downloaded", answered: false, laterMs });
    await world.play({ origin: "downloaded", laterMs, number: "0502223344" });
    await world.settled();
    expect(world.api.messages.map(({ texts }) => texts.length)).toEqual([1, 1]);
    expect(titles(world.api)).toEqual(["❗️ Missed call from 0501112233", "📞 Call from 0502223344"]);
  });

  it("one within the limit that becomes too old before it can be sent is not sent", async () => {
    await setTelegram(world.office);
    const laterMs = Date.now() - 1_700_000_000_000 - 10 * 60_000;
    await world.play({ origin: "downloaded", answered: false, laterMs });
    await world.pass(HOUR);
    world.start();
    await world.settled();
    expect(world.api.requests).toEqual([]);
    expect(await world.office.rows("SELECT state, last_error FROM deliveries")).toEqual([
      { state: "given_up", last_error: expect.stringContaining("ended too long ago") },
    ]);
    expect(await world.office.rows("SELECT processed FROM call_events WHERE event_type = 'hangup'")).toEqual([
      { processed: true },
    ]);
  });

  it.each([
    ["fast", 3 * HOUR],
    ["slow", -3 * HOUR],
  ])("a PBX whose clock is %s: what happened long ago rings not, what just happened does", async (_, skewMs) => {
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    world.start();
    const clock = () => Date.now() + skewMs;
    await heartbeat(world.server, world.site, { sentAt: clock() });
    // It asks the database anew who the site is.
    const server = await world.office.server();
    const missed = async (serial: number, agoMs: number) => {
      const { events } = phoneCall({ serial, answered: false, number: `050111000${serial}` });
      const told = later(events, clock() - agoMs - 1_700_000_000_000);
      const stream = `00000000-0000-4000-8000-00000000000${serial}`;
      const downloaded = told.map((event) => ({ ...event, origin: "downloaded" as const }));
      await send(server, world.site, downloaded, { stream, sentAt: clock() });
    };
    await missed(1, 4 * HOUR);
    await missed(2, 2 * 60_000);
    await world.settled();
    expect(titles(world.api)).toEqual(["❗️ Missed call from 0501110002"]);
  });

  it("answered during an outage, ended after it: no alarm at any moment", async () => {
    const { office, api } = world;
    await setTelegram(office);
    world.start();
    const { events } = phoneCall();
    await world.sendPart(1, events.slice(0, 3), 3);
    await expect.poll(() => api.messages[0]?.text, { timeout: 20_000 }).toContain("ringing: 150");
    await world.sendPart(1, events.slice(7), 12);
    await expect
      .poll(() => office.rows("SELECT state, call_status FROM calls"))
      .toEqual([{ state: "ended", call_status: null }]);
    await world.sendPart(
      1,
      events.slice(3, 7).map((event) => ({ ...event, origin: "downloaded" as const })),
      12,
    );
    await world.settled();
    expect(api.messages).toHaveLength(1);
    expect(api.messages[0]!.texts.join("\n")).not.toMatch(/Missed|no answer/);
    expect(api.messages[0]!.text).toContain("✅ answered by 150");
  });

  it("a card whose call ended unseen, hours ago, is set right without a sound", async () => {
    const { office, api } = world;
    await setTelegram(office);
    world.start();
    const events = later(phoneCall({ answered: false }).events, Date.now() - 1_700_000_000_000 - 3 * HOUR);
    await world.sendPart(1, events.slice(0, 3), 3);
    await expect.poll(() => api.messages.length, { timeout: 20_000 }).toBe(1);
    await world.sendPart(
      1,
      events.slice(3).map((event) => ({ ...event, origin: "downloaded" as const })),
      7,
    );
    await expect.poll(() => api.messages[0]!.text, { timeout: 20_000 }).toContain("Missed call");
    expect(countOf(api, "sendMessage")).toBe(1);
    expect(await office.rows("SELECT needs_telegram, processed FROM call_events WHERE event_type = 'hangup'")).toEqual([
      { needs_telegram: false, processed: true },
    ]);
  });
});

describe("cards change", () => {
  const missed = async (laterMs = 0) => {
    await world.play({ answered: false, laterMs });
    await world.settled();
  };

  it.each(["+380501112233", "00380501112233", "380501112233", "80501112233", "0501112233", "501112233"])(
    "when somebody calls the number back, written as %s",
    async (number) => {
      await setTelegram(world.office, [{ name: "main", chat: "42", types: ["incoming"] }]);
      world.start();
      await missed();
      await world.sendAll(callsOut(number, 15 * 60_000));
      await expect
        .poll(() => world.api.messages[0]!.text, { timeout: 20_000 })
        .toMatch(/↩️ called back by 150 at \d\d:\d\d/);
      expect(world.api.messages).toMatchObject([{ button: null, texts: [expect.anything(), expect.anything()] }]);
      await world.settled();
    },
  );

  it("not when it is another's number with the same end", async () => {
    await setTelegram(world.office, [{ name: "main", chat: "42", types: ["incoming"] }]);
    world.start();
    await world.play({ answered: false, number: "+78121234567" });
    await world.sendAll(callsOut("89121234567", 15 * 60_000));
    await world.settled();
    expect(world.api.messages).toMatchObject([{ button: { text: "Mark as handled" }, texts: [expect.anything()] }]);
    await world.sendAll(callsOut("88121234567", 30 * 60_000, 1));
    await expect.poll(() => world.api.messages[0]!.text, { timeout: 20_000 }).toContain("called back");
  });

  it("when the client calls again and is answered", async () => {
    await setTelegram(world.office, [{ name: "main", chat: "42", only: "missed" }]);
    world.start();
    await missed();
    await world.play({ laterMs: 5 * 60_000 });
    await expect
      .poll(() => world.api.messages[0]!.text, { timeout: 20_000 })
      .toMatch(/↩️ called again at .*, answered by 150/);
    expect(world.api.messages).toHaveLength(1);
    await world.settled();
  });

  it("not when that comes later than the window, nor by another number, nor unanswered", async () => {
    await setTelegram(world.office, [{ name: "main", chat: "42", only: "missed" }], { callback_hours: 1 });
    world.start();
    await missed();
    await world.play({ laterMs: 2 * HOUR });
    await world.play({ laterMs: 60_000, number: "0507776655" });
    await missed(120_000);
    expect(world.api.messages.map(({ texts }) => texts.length)).toEqual([1, 1]);
  });

  it("when somebody marks the call as handled: everywhere, and only once", async () => {
    const { api } = world;
    await setTelegram(world.office, [
      { name: "main", chat: "-42" },
      { name: "boss", chat: "43", only: "missed" },
    ]);
    world.start();
    await missed();
    const pressed = { ...api.messages[0]! };
    api.press(pressed, { id: 5, first_name: "Ivan", last_name: "<P>" });
    const handled = () =>
      api.messages.filter(({ text }) => /✔️ handled by Ivan &lt;P&gt;, \d\d:\d\d/.test(text)).length;
    await expect.poll(handled, { timeout: 20_000 }).toBe(2);
    expect(api.messages.map(({ button }) => button)).toEqual([null, null]);
    api.press(pressed);
    await expect.poll(() => api.answered, { timeout: 20_000 }).toHaveLength(2);
    expect(api.answered).toEqual(["Marked as handled", "Already handled by Ivan <P>"]);
    await world.settled();
    expect(countOf(api, "editMessageText")).toBe(2);
  });

  it("when a call becomes part of another: one card goes on, the other says so", async () => {
    const { api } = world;
    await setTelegram(world.office, [{ name: "main", chat: "42" }]);
    world.start();
    const events = eventsOf(capture("22/attended_transfer_refer"), "recommended");
    const size = Math.ceil(events.length / 10);
    for (let from = 0; from < events.length; from += size) {
      await world.sendPart(1, events.slice(from, from + size), Math.min(from + size, events.length));
      await world.settled();
    }
    expect(titles(api)).toEqual([expect.stringMatching(/^📞 Call from/), expect.stringMatching(/^🔗 became part/)]);
    expect(api.messages[0]!.text).toContain("↪️ transferred");
    expect(api.messages[1]!.texts[0]).toMatch(/^🏠/);
    expect(await world.office.rows("SELECT count(*)::int AS open FROM call_events WHERE NOT processed")).toEqual([
      { open: 0 },
    ]);
  });
});
