import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { retryDeliveries } from "../../server/store/listDeliveries.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import type { BotAnswer, BotRequest } from "./bot-api.ts";
import { GROUP, setTelegram, TOKEN } from "./telegram-office.ts";
import { callsOut, countOf, openTelegramWorld, titles, type World } from "./telegram-world.ts";

let world: World;
beforeEach(async () => void (world = await openTelegramWorld()));
afterEach(() => world.close());

const HOUR = 3_600_000;
const down: BotAnswer = { status: 502, description: "Bad Gateway" };
const problems = () =>
  world.office.rows("SELECT target, problem, open_until = 'infinity' AS refused FROM delivery_circuits");
const errors = () =>
  world.office.rows("SELECT state, last_error FROM deliveries GROUP BY state, last_error ORDER BY state, last_error");
/** Chats are tried again now, as if the pause were over. */
const endPauses = () =>
  world.office.rows("UPDATE delivery_circuits SET open_until = now() WHERE open_until < 'infinity'");

describe("Telegram away", () => {
  it("for an hour: then only the present state of each call, once", async () => {
    const { office, api } = world;
    await setTelegram(office, [{ name: "boss", chat: "42" }]);
    const first = world.start();
    const shown = phoneCall({ serial: 90, number: "0501110001" }).events;
    await world.sendPart(1, shown.slice(0, 3), 3);
    await world.settled();
    api.answer = () => down;
    const refused = api.requests.length;
    await world.sendPart(1, shown.slice(3), 12);
    await world.play({ number: "0501110002", answered: false });
    await world.play({ number: "0501110003" });
    const running = phoneCall({ serial: 91, number: "0501110004" }).events;
    await world.sendPart(2, running.slice(0, 7), 7);
    await expect.poll(() => api.requests.length, { timeout: 20_000 }).toBeGreaterThan(refused + 1);
    await world.stopSenders();
    api.answer = () => undefined;
    const before = api.requests.length;
    await world.pass(HOUR);
    const second = world.start();
    const logs = () => [...first.log, ...second.log];
    await world.settled();
    expect(
      api.requests
        .slice(before)
        .map(({ method }) => method)
        .toSorted(),
    ).toEqual(["editMessageText", "sendMessage", "sendMessage", "sendMessage"]);
    const told = api.messages.map(
      ({ text, quiet }) => `${quiet} ${text.split("\n").slice(0, 1)} ${text.split("\n")[2]}`,
    );
    expect(told.map((line) => line.replaceAll(/<\/?b>| · \d\d:\d\d/g, "")).toSorted()).toEqual([
      "false ❗️ Missed call from 0501110002 📵 no answer · waited 0:03",
      "false 📞 Call from 0501110001 ✅ answered by 150 · talked 0:10 · waited 0:03",
      "true 📞 Call from 0501110003 ✅ answered by 150 · talked 0:10 · waited 0:03",
      "true 📞 Call from 0501110004 🗣 talking: 150",
    ]);
    const states = await world.deliveries();
    expect(states["given_up"]).toBeUndefined();
    expect(states["superseded"]).toBeGreaterThan(3);
    expect(await office.rows("SELECT processed FROM call_events GROUP BY 1")).toEqual([{ processed: true }]);
    expect(await problems()).toEqual([]);
    expect(logs().filter((line) => line.includes("twice"))).toEqual([]);
  });

  it("for so long that nobody can call back: given up, and says so", async () => {
    await setTelegram(world.office);
    await world.play({ answered: false });
    await world.pass(3 * HOUR);
    world.start();
    await world.settled();
    expect(world.api.requests).toEqual([]);
    expect(await errors()).toEqual([
      { state: "given_up", last_error: "the call ended too long ago for a chat to hear of it now" },
    ]);
  });

  it("for so long that many cards are too late: they take no place of a call of now", async () => {
    const { office, api } = world;
    await setTelegram(office);
    const late = 60;
    for (let count = 0; count < late; count++) await world.play({ answered: false, number: "0501110001" });
    await world.pass(3 * HOUR);
    await world.play({ answered: false, number: "0509998877" });
    world.start();
    await world.settled();
    expect(titles(api)).toEqual(["❗️ Missed call from 0509998877"]);
    expect((await errors()).map(({ state }) => state)).toContain("given_up");
  });

  it.each<[string, BotAnswer]>([
    ["errors of its own", { status: 500, description: "Internal Server Error" }],
    ["broken connections", "cut"],
  ])("with %s: each chat is tried again, and told once; the token is nowhere to be read", async (_, answer) => {
    const { api, office } = world;
    await setTelegram(
      world.office,
      ["41", "42", "43"].map((chat) => ({ name: chat, chat })),
    );
    let failures = 7;
    api.answer = () => (failures-- > 0 ? answer : undefined);
    const { log } = world.start();
    await world.play({ answered: false });
    const noted = () => office.rows<{ text: string }>("SELECT string_agg(last_error, '') AS text FROM deliveries");
    await expect.poll(async () => (await noted())[0]?.text, { timeout: 20_000 }).toMatch(/500|hang up/);
    const written = JSON.stringify([await noted(), await office.rows("SELECT * FROM delivery_circuits"), log]);
    expect(written).not.toContain(TOKEN.split(":")[1]);
    await world.settled();
    expect(api.messages.map(({ chat }) => chat).toSorted()).toEqual(["41", "42", "43"]);
    expect(api.requests).toHaveLength(10);
    expect(await problems()).toEqual([]);
  });

  it("that takes a message and never answers: one duplicate, and it says so", async () => {
    const { api } = world;
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    let silences = 1;
    api.answer = () => (silences-- > 0 ? "hang" : undefined);
    const { log } = world.start();
    await world.play({ answered: false });
    await world.settled();
    expect(api.messages).toHaveLength(2);
    expect(log.filter((line) => line.includes("may be in the chat twice"))).toHaveLength(1);
  });

  it("that asks for patience gets it: nothing goes to the chat before", async () => {
    const { api } = world;
    await setTelegram(world.office, [
      { name: "boss", chat: "42" },
      { name: "other", chat: "43" },
    ]);
    const storm: BotAnswer = { status: 429, description: "Too Many Requests", parameters: { retry_after: 2 } };
    let left = 2;
    api.answer = ({ body }: BotRequest) => (body["chat_id"] === "42" && left-- > 0 ? storm : undefined);
    world.start();
    await world.play({ answered: false });
    await world.settled();
    const times = api.requests.filter(({ body }) => body["chat_id"] === "42").map(({ at }) => at);
    expect(times).toHaveLength(3);
    expect(Math.min(times[1]! - times[0]!, times[2]! - times[1]!)).toBeGreaterThan(1_900);
    const other = api.requests.filter(({ body }) => body["chat_id"] === "43");
    expect(other.map(({ status }) => status)).toEqual([200]);
    expect(other[0]!.at).toBeLessThan(times[1]!);
    expect(api.messages).toHaveLength(2);
  });

  it("whose token is no longer one: it waits, says so, and goes on with a new token", async () => {
    const { api } = world;
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    api.revoked.add(TOKEN);
    world.start();
    await world.play({ answered: false });
    await expect.poll(errors, { timeout: 20_000 }).toEqual([{ state: "waiting", last_error: "401 Unauthorized" }]);
    expect(await problems()).toMatchObject([{ target: "boss", problem: "401 Unauthorized" }]);
    await setTelegram(world.office, [{ name: "boss", chat: "42" }], {
      token: "1000001:another-token-BBBBBBBBBBBBBBBBBB",
    });
    await endPauses();
    await world.settled();
    expect(titles(api)).toEqual(["❗️ Missed call from 0501112233"]);
    expect(await problems()).toEqual([]);
  });
});

describe("a chat", () => {
  it("that blocked the bot is asked once, reported, and told again when it lets the bot in", async () => {
    const { api } = world;
    await setTelegram(world.office, [
      { name: "boss", chat: "42" },
      { name: "other", chat: "43" },
    ]);
    api.blocked.add("42");
    world.start();
    for (let count = 0; count < 3; count++) await world.play({ answered: false });
    await world.settled();
    expect(api.requests.filter(({ body }) => body["chat_id"] === "42")).toHaveLength(1);
    expect(api.messages.filter(({ chat }) => chat === "43")).toHaveLength(3);
    const problem = "403 Forbidden: bot was blocked by the user";
    expect(await problems()).toEqual([{ target: "boss", problem, refused: true }]);
    expect(await errors()).toEqual([
      { state: "given_up", last_error: problem },
      { state: "sent", last_error: null },
    ]);
    const open = "SELECT telegram_sent, processed FROM call_events WHERE event_type = 'hangup' GROUP BY 1, 2";
    expect(await world.office.rows(open)).toEqual([{ telegram_sent: false, processed: true }]);
    expect(await retryDeliveries(world.office.db.pool, null)).toBe(9);
    await world.settled();
    expect(api.requests.filter(({ body }) => body["chat_id"] === "42")).toHaveLength(2);
    api.blocked.delete("42");
    await expect.poll(() => api.polling(TOKEN), { timeout: 20_000 }).toBe(1);
    api.update(TOKEN, { my_chat_member: { chat: { id: 42, type: "private" }, new_chat_member: { status: "member" } } });
    await expect.poll(problems, { timeout: 20_000 }).toEqual([]);
    await world.play({ answered: false });
    await world.settled();
    expect(api.messages.filter(({ chat }) => chat === "42")).toHaveLength(1);
    expect(await retryDeliveries(world.office.db.pool, null)).toBe(9);
    await world.settled();
    expect(api.messages.filter(({ chat }) => chat === "42")).toHaveLength(4);
  });

  it("that became a supergroup is told under its new id, and the settings know it", async () => {
    const { api, office } = world;
    await setTelegram(office, [
      { name: "main", chat: GROUP },
      { name: "missed", chat: GROUP, thread: 4, only: "missed" },
    ]);
    world.start();
    const { events } = phoneCall();
    await world.sendPart(1, events.slice(0, 3), 3);
    await world.settled();
    api.moved.set(GROUP, "-100777");
    await world.sendPart(1, events.slice(3), 12);
    await world.settled();
    expect(api.messages.map(({ chat }) => chat)).toEqual([GROUP, "-100777"]);
    expect(api.messages[1]!.text).toContain("✅ answered by 150");
    const chats =
      "SELECT chat ->> 'name' AS name, chat ->> 'chat' AS chat FROM enterprises, jsonb_array_elements(settings -> 'telegram' -> 'chats') chat";
    expect(await office.rows(chats)).toEqual([
      { name: "main", chat: "-100777" },
      { name: "missed", chat: "-100777" },
    ]);
  });

  it("whose topic is closed is told in the general one, and reported", async () => {
    const { api } = world;
    await setTelegram(world.office, [{ name: "main", chat: GROUP, thread: 4 }]);
    api.closedTopics.add(`${GROUP}/4`);
    world.start();
    await world.play({ answered: false });
    await world.play({ answered: false, number: "0502223344" });
    await world.settled();
    expect(api.messages.map(({ thread }) => thread)).toEqual([null, null]);
    expect(countOf(api, "sendMessage")).toBe(3);
    expect(await problems()).toEqual([
      { target: "main", refused: null, problem: expect.stringContaining("its topic cannot be written to") },
    ]);
  });

  it("where somebody deleted the card: no new one, no retries", async () => {
    const { api } = world;
    await setTelegram(world.office, [{ name: "main", chat: "42", types: ["incoming"] }]);
    world.start();
    await world.play({ answered: false });
    await world.settled();
    api.messages.splice(0);
    await world.sendAll(callsOut("0501112233", 60_000));
    await world.settled();
    expect(api.messages).toEqual([]);
    expect(countOf(api, "editMessageText")).toBe(1);
  });

  it("that is no longer in the settings gets nothing", async () => {
    await setTelegram(world.office, [{ name: "old", chat: "42" }]);
    await world.play({ answered: false });
    await setTelegram(world.office, [{ name: "new", chat: "43" }]);
    world.start();
    await world.settled();
    expect(world.api.requests).toEqual([]);
    expect(await errors()).toEqual([{ state: "given_up", last_error: "the enterprise has no such chat any more" }]);
  });
});

describe("servers", () => {
  it("that share the work send every message once, at a pace, and one of them listens to the bot", async () => {
    const { api } = world;
    await setTelegram(
      world.office,
      ["41", "42", "-43"].map((chat) => ({ name: chat, chat })),
    );
    world.start();
    world.start();
    for (let count = 0; count < 4; count++) await world.play({ number: `05011100${count}0` });
    await world.settled();
    const byChat = Map.groupBy(api.messages, ({ chat }) => chat);
    expect([...byChat.values()].map((messages) => messages.length)).toEqual([4, 4, 4]);
    expect(countOf(api, "sendMessage")).toBe(12);
    await expect.poll(() => api.polling(TOKEN), { timeout: 20_000 }).toBe(1);
    await world.stopSenders();
    await expect.poll(() => api.polling(TOKEN)).toBe(0);
  });

  it("another listens to the bot when the one that did has gone", async () => {
    const { api } = world;
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    const first = world.start();
    await expect.poll(() => api.polling(TOKEN), { timeout: 20_000 }).toBe(1);
    world.start();
    await first.stop();
    await expect.poll(() => api.polling(TOKEN), { timeout: 20_000 }).toBe(1);
  });

  it("without the key of the token wait, and say so", async () => {
    await setTelegram(world.office, [{ name: "boss", chat: "42" }]);
    await world.play({ answered: false });
    world.start({ secretKey: "quite another key of some length" });
    await expect
      .poll(problems, { timeout: 20_000 })
      .toEqual([{ target: "boss", refused: false, problem: expect.stringContaining("RINGPOST_SECRET_KEY") }]);
    expect(await world.deliveries()).toMatchObject({ waiting: 3 });
    expect(world.api.requests).toEqual([]);
  });

  it("that died between sending and noting leave one duplicate at most", async () => {
    const { api, office } = world;
    await setTelegram(office, [{ name: "boss", chat: "42" }]);
    await world.play({ answered: false });
    await office.rows(
      `INSERT INTO telegram_cards (call_id, target, attempts, claimed_until)
       SELECT id, 'boss', 1, now() + interval '2 s' FROM calls`,
    );
    const { log } = world.start();
    await world.settled();
    expect(api.messages).toHaveLength(1);
    expect(log.filter((line) => line.includes("may be in the chat twice"))).toHaveLength(1);
  });
});
