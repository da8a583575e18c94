import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openVault } from "../../server/deliver/secrets.ts";
import { openOffice, type Office } from "../ingest/office.ts";
import { server } from "../server/command.ts";
import { SECRET, SECRET_KEY } from "./receiver.ts";

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

const vault = openVault({ secretKey: SECRET_KEY });
const run = (...args: string[]) =>
  server([...args, "--lang", "en"], { env: { DATABASE_URL: office.db.url, RINGPOST_SECRET_KEY: SECRET_KEY } });
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const settings = async (id = "0367") =>
  (await office.rows<{ settings: Record<string, unknown> }>("SELECT settings FROM enterprises WHERE id = $1", [id]))[0]!
    .settings;
const integrations = async () => (await settings())["integrations"] as Record<string, string>[];

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
  expect(vault.open(crm!["secret"]!, "0367")).toBe(secret);
  expect(() => vault.open(crm!["secret"]!, "0368")).toThrow(/another owner/);

  const path = file("secret", `${SECRET}\n`);
  expect(await run("enterprise", "set", "0367", `webhook.crm.secret=@${path}`)).toMatchObject({ status: 0, err: "" });
  expect(vault.open((await integrations())[0]!["secret"]!, "0367")).toBe(SECRET);
  expect(await run("enterprise", "set", "0367", "webhook.crm=off")).toMatchObject({ status: 0 });
  expect(await integrations()).toEqual([]);
});

it("enterprise set refuses a secret on the command line without repeating it", async () => {
  await office.site();
  const set = await run("enterprise", "set", "0367", "webhook.crm.url=https://a.test", `webhook.crm.secret=${SECRET}`);
  expect(set.status).toBe(1);
  expect(set.err).toContain("webhook.crm.secret");
  expect(set.err).not.toContain(SECRET);
});

it("enterprise reseal seals every secret with the new key, which alone opens them then", async () => {
  await office.site();
  await run(
    "enterprise",
    "set",
    "0367",
    "webhook.crm.url=https://crm.test/x",
    `webhook.crm.secret=@${file("s", SECRET)}`,
  );
  const [secretKey, DATABASE_URL] = ["a new key for tests only", office.db.url];
  const reseal = (env: Record<string, string>) =>
    server(["enterprise", "reseal", "--lang", "en"], { env: { DATABASE_URL, RINGPOST_SECRET_KEY: secretKey, ...env } });
  expect(await reseal({})).toMatchObject({ status: 1, err: expect.stringContaining("RINGPOST_SECRET_KEY") });
  expect(await reseal({ RINGPOST_SECRET_KEY_BEFORE: SECRET_KEY })).toMatchObject({
    status: 0,
    out: "0367: 1 secret sealed anew\n",
  });
  const sealed = (await integrations())[0]!["secret"]!;
  expect(openVault({ secretKey }).open(sealed, "0367")).toBe(SECRET);
  expect(() => vault.open(sealed, "0367")).toThrow(/another key/);
});

it.each([
  ["webhook.crm.url=ftp://crm.test", "webhook.crm.url is wrong"],
  ["webhook.crm.url=https://user:word@crm.test", "webhook.crm.url is wrong"],
  ["webhook.crm.events=ring", "webhook crm is new"],
  ["webhook.crm.address=https://crm.test", "webhook.crm.address is wrong"],
  ["webhook=off", "webhook is wrong"],
  ["names.150.room=7", "names.150 is wrong"],
  ["colour.door=red", "'colour' is no setting"],
  ["webhook.crm.url", "'webhook.crm.url' is no setting"],
])("enterprise set refuses %s in plain words and stores nothing", async (word, why) => {
  await office.site();
  const set = await run("enterprise", "set", "0367", "names.151=Anna", word);
  expect(set.status).toBe(1);
  expect(set.err).toContain(why);
  expect(await settings()).toEqual({});
});

it("enterprise set knows who is at which extension", async () => {
  await office.site();
  await run("enterprise", "set", "0367", "names.150=Reception", "names.151.name=Anna", "names.151.department=Sales");
  await run("enterprise", "set", "0367", "names.150.department=Front office", "names.151=off");
  expect(await settings()).toEqual({ names: { 150: { name: "Reception", department: "Front office" } } });
});

const CUSTOMERS = `
[enterprise.0367]
timezone = "Asia/Tashkent"
names = { 150 = "Reception" }
[enterprise.0367.webhook.crm]
url = "https://crm.test/x"
events = ["start", "hangup"]
secret = "${SECRET}"

[enterprise.0400]
name = "Delta"
token = "t-0400"
trunks = ["trunk-a"]
[enterprise.0400.webhook.own]
url = "http://10.0.0.5/calls"
allow_private = true
secret = "new"
`;

describe("enterprise import", () => {
  it("adds and changes customers as a file says, shows what, and a second time has nothing to do", async () => {
    await office.site();
    const path = file("customers.toml", CUSTOMERS);
    const dry = await run("enterprise", "import", path, "--dry-run");
    expect(dry).toMatchObject({ status: 0, err: expect.stringContaining("nothing was stored") });
    expect(dry.err).not.toContain("whsec_");
    expect(await office.rows("SELECT id, settings FROM enterprises")).toEqual([{ id: "0367", settings: {} }]);

    const done = await run("enterprise", "import", path);
    expect(done.status).toBe(0);
    expect(done.out).toBe(dry.out);
    expect(done.out).toContain('0367: changed\n  timezone: "Europe/Kyiv" -> "Asia/Tashkent"\n');
    expect(done.out).toContain('  webhook.crm.url: - -> "https://crm.test/x"\n');
    expect(done.out).toContain("  webhook.crm.secret: ***\n");
    expect(done.out).toContain("0400: added\n");
    expect(done.out + done.err).not.toContain(SECRET);
    expect(done.err).toMatch(/^webhook own: its secret, shown this once only: whsec_/);
    expect(vault.open((await integrations())[0]!["secret"]!, "0367")).toBe(SECRET);

    const again = await run("enterprise", "import", path);
    expect(again).toMatchObject({ status: 0, out: "0367: nothing to change\n0400: nothing to change\n", err: "" });
  });

  it("takes what enterprise export printed, as TOML and as JSON, with the same secrets", async () => {
    await office.site();
    await run("enterprise", "import", file("customers.toml", CUSTOMERS));
    const before = await office.rows(
      "SELECT id, name, token, timezone, extensions, trunks, settings FROM enterprises ORDER BY id",
    );
    const texts = [(await run("enterprise", "export")).out, (await run("enterprise", "export", "--json")).out];
    for (const text of texts) {
      expect(text).not.toContain(SECRET);
      await office.rows("UPDATE enterprises SET settings = '{}', timezone = 'UTC', trunks = '{}'");
      expect(await run("enterprise", "import", file("export", text))).toMatchObject({ status: 0, err: "" });
      const after = await office.rows(
        "SELECT id, name, token, timezone, extensions, trunks, settings FROM enterprises ORDER BY id",
      );
      const opened = (rows: typeof after) =>
        rows.map((row) => ({
          ...row,
          settings: JSON.parse(JSON.stringify(row["settings"]), (key, value: unknown) =>
            key === "secret" ? vault.open(String(value), String(row["id"])) : value,
          ) as object,
        }));
      expect(opened(after)).toEqual(opened(before));
    }
  });

  it.each([
    ["a new customer without a token", '[enterprise.0500]\nname = "X"', "0500: it is new: give its name and token"],
    [
      "a wrong setting of the last one",
      '[enterprise.0367.names]\n151 = "Anna"\n[enterprise.0368]\nname = 5',
      "0368: name: 5",
    ],
    ["no customers", "[customers]", "has no tables [enterprise.ID]"],
    ["no TOML", "[enterprise", "cannot read"],
  ])("refuses %s and stores nothing", async (_, text, why) => {
    await office.site();
    const done = await run("enterprise", "import", file("customers.toml", text));
    expect(done.status).toBe(1);
    expect(done.err).toContain(why);
    expect(await office.rows("SELECT id, settings FROM enterprises")).toEqual([{ id: "0367", settings: {} }]);
  });
});
