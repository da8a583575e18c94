import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enrolRoutes } from "../../server/http/enrol.ts";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { inviteSite } from "../../server/store/inviteSite.ts";
import { rotateSiteKey } from "../../server/store/rotateSiteKey.ts";
import { ENROL_PATH, KEY_PATH, type EnrolReply, type KeyReply } from "../../shared/enrol.ts";
import { run } from "../asterisk/lab/command.ts";
import { testDatabase } from "../support/postgres.ts";

let database: Awaited<ReturnType<typeof testDatabase>>;
let app: FastifyInstance;
let nowMs = 0;
const host = "10.88.10.11";

beforeEach(async () => {
  database = await testDatabase();
  app = Fastify();
  app.removeAllContentTypeParsers();
  nowMs = 1_000_000;
  enrolRoutes(app, database.pool, () => nowMs);
  await addEnterprise(database.pool, {
    id: "0367",
    name: "Test",
    token: "t",
    timezone: "UTC",
    extensions: null,
    trunks: [],
  });
});
afterEach(async () => {
  await app.close();
  await database.drop();
});

const enrol = (code: unknown) => app.inject({ method: "POST", url: ENROL_PATH, payload: { code } });
const renew = (key: string) =>
  app.inject({ method: "POST", url: KEY_PATH, headers: { authorization: `Bearer ${key}` } });

async function invited(validHours = 1): Promise<string> {
  const invite = await inviteSite(database.pool, { enterpriseId: "0367", host, name: "Head office" }, validHours);
  return invite?.code ?? "";
}

describe("enrolment", () => {
  it("exchanges a code for a site key once, making the site", async () => {
    const code = await invited();
    const first = await enrol(code.toLowerCase());
    expect(first.json()).toMatchObject({ enterprise: "0367", host, key: expect.stringMatching(/^rp_\d+_/) });
    expect((await renew(first.json<EnrolReply>().key)).json()).toEqual({ key: null });
    const again = await enrol(code);
    expect(again.statusCode).toBe(403);
    expect(again.json()).toMatchObject({ error: "code_used" });
    const { rows } = await database.pool.query("SELECT host, name FROM sites");
    expect(rows).toEqual([{ host, name: "Head office" }]);
  });

  it("gives the key of the site that this PBX already is, and ends its older keys after a day", async () => {
    const site = await addSite(database.pool, { enterpriseId: "0367", host, name: "Old" });
    const reply = (await enrol(await invited())).json<EnrolReply>();
    expect(reply.site).toBe("site" in site ? site.site : 0);
    const { rows } = await database.pool.query(
      "SELECT count(expires_at)::int AS ending, count(*)::int AS keys FROM site_keys",
    );
    expect(rows).toEqual([{ ending: 1, keys: 2 }]);
  });

  it("refuses a code that has expired, one nobody made, and what is no code at all", async () => {
    const code = await invited();
    await database.pool.query("UPDATE site_invites SET expires_at = now() - interval '1 second'");
    expect((await enrol(code)).json()).toMatchObject({ error: "code_expired" });
    for (const wrong of ["2222-2222-2222-2222", "nonsense", 7, null, { a: 1 }])
      expect((await enrol(wrong)).json()).toMatchObject({ error: "code_unknown" });
  });

  it("gives two who use one code at once one key", async () => {
    const code = await invited();
    const replies = await Promise.all([enrol(code), enrol(code), enrol(code)]);
    expect(replies.map((reply) => reply.statusCode).toSorted()).toEqual([200, 403, 403]);
  });

  it("does not let codes be tried at leisure", async () => {
    for (let n = 0; n < 30; n++) await enrol("2222-2222-2222-2222");
    const code = await invited();
    expect((await enrol(code)).statusCode).toBe(429);
    nowMs += 60_000;
    expect((await enrol(code)).statusCode).toBe(200);
  });
});

describe("server -- site invite", () => {
  const invite = (...more: string[]) =>
    run(process.execPath, ["server/main.ts", "site", "invite", "0367", "--host", host, ...more], {
      env: { ...process.env, DATABASE_URL: database.url },
    });

  it("prints a code that enrols, and the command to type on the PBX", async () => {
    const { status, stdout } = await invite("--lang", "ru");
    expect(status).toBe(0);
    const code = /install --server \S+ --code (\S+)/.exec(stdout)?.[1];
    expect((await enrol(code)).statusCode).toBe(200);
  });

  it("prints JSON with the moment the code expires, and refuses an enterprise that is not there", async () => {
    const { code, expires_at } = JSON.parse((await invite("--valid", "2", "--json")).stdout);
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(7_000_000);
    expect((await enrol(code)).json()).toMatchObject({ host });
    await database.pool.query("DELETE FROM site_invites");
    await database.pool.query("DELETE FROM site_keys");
    await database.pool.query("DELETE FROM sites");
    await database.pool.query("DELETE FROM enterprises");
    expect(await invite()).toMatchObject({ status: 1, stderr: expect.stringContaining("0367") });
  });
});

describe("a key that is rotated out", () => {
  it("fetches its successor, which stays, and the old one works until the overlap ends", async () => {
    const site = await addSite(database.pool, { enterpriseId: "0367", host, name: "A" });
    if (!("key" in site)) throw new Error("no site");
    expect((await renew(site.key)).json()).toEqual({ key: null });
    await rotateSiteKey(database.pool, site.site, 1);
    const lost = (await renew(site.key)).json<KeyReply>().key ?? "";
    const next = (await renew(site.key)).json<KeyReply>().key ?? "";
    expect(next).not.toBe(lost);
    expect((await renew(lost)).statusCode).toBe(401);
    expect((await renew(next)).json()).toEqual({ key: null });
    await database.pool.query("UPDATE site_keys SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL");
    expect((await renew(site.key)).statusCode).toBe(401);
    expect((await renew(next)).statusCode).toBe(200);
  });

  it("is refused when it is nobody's", async () => {
    for (const key of ["", "rp_1_x", `rp_1_${"a".repeat(43)}`]) expect((await renew(key)).statusCode).toBe(401);
  });
});
