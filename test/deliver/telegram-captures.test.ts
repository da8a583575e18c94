import { afterEach, beforeEach, expect, it } from "vitest";
import { capture, phonesSaw } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { setTelegram } from "./telegram-office.ts";
import { countOf, openTelegramWorld, type World } from "./telegram-world.ts";

let world: World;
beforeEach(async () => void (world = await openTelegramWorld()));
afterEach(() => world.close());

const PIECES = 5;
const MISSED = /^❗️/;

it.each([
  "pickup_directed",
  "group_pickup",
  "park_retrieve",
  "park_timeout",
  "queue_ringall_answered",
  "queue_abandoned",
  "hunt_third_answers",
  "incoming_all_busy",
  "forward_302",
  "semi_attended_transfer",
  "crash_kill9",
])(
  "%s, told as it happens: a card for each call, its end as the phones saw it, missed only when it was",
  async (name) => {
    const { api, office } = world;
    await setTelegram(office, [{ name: "boss", chat: "42" }]);
    world.start();
    const events = eventsOf(capture(`22/${name}`), "recommended");
    const size = Math.ceil(events.length / PIECES);
    for (let from = 0; from < events.length; from += size) {
      await world.sendPart(1, events.slice(from, from + size), Math.min(from + size, events.length));
      await world.settled();
    }
    const cards = await office.rows<{ linkedid: string; type: string; message: number }>(
      `SELECT c.linkedid, c.call_type AS type, k.message_id::int AS message
     FROM telegram_cards k JOIN calls c ON c.id = k.call_id WHERE k.merged_leg = ''`,
    );
    const saw = phonesSaw(`22/${name}`);
    expect(cards.map(({ linkedid }) => linkedid).toSorted()).toEqual(saw.map(({ linkedid }) => linkedid).toSorted());
    for (const { linkedid, type, message } of cards) {
      const { texts } = api.messages.find(({ id }) => id === message)!;
      const answered = saw.find((call) => call.linkedid === linkedid)?.status === "answered";
      expect(texts.at(-1)).toMatch(answered ? /\n✅/ : type === "incoming" ? MISSED : /\n(📵|⚠️)/);
      const alarms = texts.filter((text) => answered && (MISSED.test(text) || text.includes("📵")));
      expect(alarms).toEqual([]);
    }
    expect(api.messages).toHaveLength(new Set(api.messages.map(({ id }) => id)).size);
    const joined = api.messages.filter(({ text }) => text.startsWith("🔗")).length;
    expect(api.messages.length - joined).toBe(cards.length);
    expect(countOf(api, "sendMessage")).toBe(api.messages.length);
    expect(await office.rows("SELECT event_type FROM call_events WHERE NOT processed")).toEqual([]);
  },
);
