import { afterEach, beforeEach, expect, it } from "vitest";
import { GROUP_PACE, paceOf } from "../../server/deliver/telegram/limits.ts";
import { takeSlot } from "../../server/store/telegram/takeSlot.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
beforeEach(async () => void (database = await testDatabase()));
afterEach(() => database.drop());

/** As if so much time had passed. */
const pass = (ms: number) =>
  database.pool.query(
    "UPDATE telegram_pace SET sent = (SELECT array_agg(at - $1::float8 * interval '1 ms' ORDER BY at) FROM unnest(sent) at)",
    [ms],
  );
const slot = (chat: string, bot = "1") => takeSlot(database.pool, { bot, chat }, paceOf(chat));

it("a chat takes a message a second, whoever asks", async () => {
  const both = await Promise.all([slot("42"), slot("42")]);
  expect(both.filter((wait) => wait === null)).toHaveLength(1);
  expect(both.find((wait) => wait !== null)).toBeGreaterThan(1_000);
  await pass(1_200);
  expect(await slot("42")).toBeNull();
});

it("a group takes twenty a minute", async () => {
  for (let count = 0; count < 20; count++) {
    expect(await slot("-42")).toBeNull();
    await pass(1_200);
  }
  expect(await slot("-42")).toBeGreaterThan(30_000);
  await pass(40_000);
  expect(await slot("-42")).toBeNull();
});

it("a bot takes less than thirty a second, and another has its own", async () => {
  const waits = await Promise.all(Array.from({ length: 40 }, (_, chat) => slot(String(100 + chat))));
  expect(waits.filter((wait) => wait === null)).toHaveLength(GROUP_PACE.botPerSecond[0]);
  expect(await slot("100", "2")).toBeNull();
});
