import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openVault } from "../../server/deliver/secrets.ts";
import { openOffice, send, type Office } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { server } from "../server/command.ts";
import { SECRET, SECRET_KEY, setHooks } from "./receiver.ts";

let office: Office;
let folder: string;
beforeEach(async () => {
  office = await openOffice();
  folder = mkdtempSync(join(tmpdir(), "ringpost-deliver-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await office.close();
});

const run = (...args: string[]) =>
  server([...args, "--lang", "en"], { env: { DATABASE_URL: office.db.url, RINGPOST_SECRET_KEY: SECRET_KEY } });
const integrations = async () =>
  (
    await office.rows<{ list: Record<string, string>[] }>("SELECT settings -> 'integrations' AS list FROM enterprises")
  )[0]!.list;

it("enterprise set makes a webhook, shows its secret once, and keeps it sealed", async () => {
  await office.site();
  const set = await run(
    "enterprise",
    "set",
    "0367",
    "webhook.crm.url=https://crm.test/x",
    "webhook.crm.events=start,hangup",
  );
  expect(set).toMatchObject({ status: 0 });
  const secret = /whsec_\S+/.exec(set.err)![0];
  const [crm] = await integrations();
  expect(crm).toMatchObject({ name: "crm", url: "https://crm.test/x", events: ["start", "hangup"] });
  expect(JSON.stringify(crm)).not.toContain(secret.slice(6));
  expect(openVault(SECRET_KEY).open(crm!["secret"]!, "0367")).toBe(secret);
  expect(() => openVault(SECRET_KEY).open(crm!["secret"]!, "0368")).toThrow(/another owner/);

  const file = join(folder, "secret");
  writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
  expect(await run("enterprise", "set", "0367", `webhook.crm.secret=@${file}`)).toMatchObject({ status: 0, err: "" });
  expect(openVault(SECRET_KEY).open((await integrations())[0]!["secret"]!, "0367")).toBe(SECRET);
  expect(await run("enterprise", "set", "0367", "webhook.crm=off")).toMatchObject({ status: 0 });
  expect(await integrations()).toEqual([]);
});

it("enterprise set refuses a secret on the command line without repeating it", async () => {
  await office.site();
  const set = await run("enterprise", "set", "0367", `webhook.crm.secret=${SECRET}`);
  expect(set.status).toBe(1);
  expect(set.err).toContain("webhook.crm.secret");
  expect(set.err).not.toContain(SECRET);
});

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
