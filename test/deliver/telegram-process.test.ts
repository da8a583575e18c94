import { afterEach, beforeEach, expect, it } from "vitest";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { openVault } from "../../server/deliver/secrets.ts";
import { STREAM, body, line } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { startServer, type RunningServer } from "../support/processes.ts";
import { openBotApi, type BotApi } from "./bot-api.ts";
import { SECRET_KEY } from "./receiver.ts";
import { TOKEN } from "./telegram-office.ts";

let database: TestDatabase;
let api: BotApi;
let server: RunningServer;
let key: string;
const start = () =>
  startServer({
    databaseUrl: database.url,
    env: { RINGPOST_SECRET_KEY: SECRET_KEY, RINGPOST_TELEGRAM_API: api.url },
  });

beforeEach(async () => {
  [database, api] = await Promise.all([testDatabase(), openBotApi()]);
  await addEnterprise(database.pool, {
    id: "0367",
    name: "Acme",
    token: "acme",
    timezone: "Europe/Kyiv",
    extensions: "^1\\d\\d$",
    trunks: ["trunk-a"],
  });
  const token = openVault({ secretKey: SECRET_KEY }).seal(TOKEN, "0367");
  const telegram = { enabled: true, token, chats: [{ name: "boss", chat: "42" }] };
  await database.pool.query("UPDATE enterprises SET settings = $1", [JSON.stringify({ telegram })]);
  const added = await addSite(database.pool, { enterpriseId: "0367", host: "10.0.0.1", name: "PBX" });
  if ("refused" in added) throw new Error(added.refused);
  key = added.key;
  server = await start();
});
afterEach(async () => {
  await server.stop();
  await api.close();
  await database.drop();
  expectNoMisuse();
});

function expectNoMisuse(): void {
  if (api.violations.length > 0) throw new Error(api.violations.join("; "));
}

/** Sends a missed call as an agent does. */
async function missedCall(serial: number): Promise<void> {
  const { events } = phoneCall({ answered: false, serial });
  const response = await fetch(`${server.url}/v1/ingest`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
    body: body(events.map(line), { stream: STREAM.replace(/1$/, String(serial)) }),
  });
  if (response.status !== 200) throw new Error(await response.text());
}
const waiting = async () => (await database.pool.query("SELECT FROM deliveries WHERE state = 'waiting'")).rowCount;

it("the real server tells a missed call, hears the button, and stops without waiting for the poll", async () => {
  await missedCall(1);
  await expect.poll(() => api.messages.length, { timeout: 20_000 }).toBe(1);
  await expect.poll(() => api.polling(TOKEN), { timeout: 20_000 }).toBe(1);
  api.press(api.messages[0]!);
  await expect.poll(() => api.messages[0]!.text, { timeout: 20_000 }).toContain("✔️ handled by Ivan");
  await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
  const began = performance.now();
  expect(await server.stop()).toMatchObject({ code: 0 });
  expect(performance.now() - began).toBeLessThan(10_000);
  await expect.poll(() => api.polling(TOKEN)).toBe(0);
  expect(server.output).not.toContain(TOKEN.split(":")[1]);
});

it("killed between sending and noting, it leaves one duplicate at most, and what waits is told by the next", async () => {
  api.answer = ({ method }) => (method === "sendMessage" ? "hang" : undefined);
  await missedCall(1);
  await expect.poll(() => api.messages.length, { timeout: 20_000 }).toBe(1);
  await missedCall(2);
  await server.kill();
  api.answer = () => undefined;
  // As if the time had passed after which a claim is void, and the agent had been heard.
  await database.pool.query("UPDATE telegram_cards SET claimed_until = now()");
  server = await start();
  await database.pool.query("UPDATE sites SET last_seen = now() + interval '1 minute'");
  await expect.poll(waiting, { timeout: 25_000 }).toBe(0);
  expect(api.messages).toHaveLength(3);
  const { rows } = await database.pool.query("SELECT attempts FROM telegram_cards ORDER BY call_id");
  expect(rows).toEqual([{ attempts: 2 }, { attempts: 1 }]);
});
