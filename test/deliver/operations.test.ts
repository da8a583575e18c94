import { afterEach, beforeEach, expect, it } from "vitest";
import { openOffice, send, type Office } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { server } from "../server/command.ts";
import { SECRET_KEY, setHooks } from "./receiver.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(async () => {
  await office.close();
});

const run = (...args: string[]) =>
  server([...args, "--lang", "en"], { env: { DATABASE_URL: office.db.url, RINGPOST_SECRET_KEY: SECRET_KEY } });
it("deliveries shows the dead and sends them again, and /metrics counts them", async () => {
  const site = await office.site();
  const http = await office.server();
  await setHooks(office, [{ url: "https://crm.test/x", events: ["hangup"] }]);
  await send(http, site, phoneCall().events);
  const metrics = async () => (await fetch(`${http.url}/metrics`)).text();
  expect(await metrics()).toContain('ringpost_deliveries{channel="webhook",state="waiting"} 1');
  expect(await metrics()).toContain('ringpost_delivery_oldest_waiting_seconds{channel="webhook"}');
  await office.rows("UPDATE deliveries SET state = 'given_up', last_error = 'answered 500'");
  expect((await run("deliveries", "--waiting")).out).toContain("no deliveries");
  expect((await run("deliveries", "--dead")).out).toMatch(/1 +0367 +webhook +crm +.* hangup +given_up .*answered 500/);
  expect((await run("deliveries", "retry")).err).toContain("--all-dead");
  expect((await run("deliveries", "retry", "99")).err).toContain("is not dead");
  expect((await run("deliveries", "retry", "1")).out).toContain("1 to be sent again");
  expect(await office.rows("SELECT state FROM deliveries")).toEqual([{ state: "waiting" }]);
});
