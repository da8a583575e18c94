import { afterEach, beforeEach, expect, it } from "vitest";
import { readCoverage } from "../../server/store/readCoverage.ts";
import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import { body, heartbeat, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { server as command } from "../server/command.ts";

let office: Office;
let server: Server;
let site: Site;
beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
});
afterEach(() => office.close());

const HOUR = 3_600_000;
/** Midnight in Kyiv (+02:00), the enterprise's zone. */
const DAY = Date.parse("2026-03-10T00:00:00+02:00");
const at = (seq: number, ms: number, ev: AmiEvent) => ({ seq, at: ms, origin: "live" as const, ev });
const started = (seq: number, ms: number) => at(seq, ms, { Event: MARKERS.captureStarted, AsteriskVersion: "22" });
const gap = (seq: number, from: number, to: number, more: Record<string, string> = {}) =>
  at(seq, to, { Event: MARKERS.gap, From: String(from), To: String(to), Cause: "agent_down", ...more });
const other = (seq: number, ms: number) => at(seq, ms, { Event: "PeerStatus", Peer: "PJSIP/150" });

async function cli(...args: string[]): Promise<string> {
  const { status, out, err } = await command(args, { env: { DATABASE_URL: office.db.url } });
  expect({ status, err }).toEqual({ status: 0, err: "" });
  return out;
}

async function shares(nowMs: number): Promise<Record<string, number>> {
  await office.rows("UPDATE sites SET last_seen = to_timestamp($1)", [nowMs / 1000]);
  const span = { text: new Date(DAY - 60 * 24 * HOUR).toISOString(), local: false };
  const days = await readCoverage(office.db.pool, { site: site.id, from: span }, nowMs);
  return Object.fromEntries(days.map(({ day, share }) => [day, share]));
}

it("each day's share is what gaps leave of it, on the enterprise's calendar, from the site's first sign of life", async () => {
  const begun = DAY + 12 * HOUR;
  await send(server, site, [
    started(1, begun),
    gap(2, DAY + 22 * HOUR, DAY + 26 * HOUR),
    gap(3, DAY + 25 * HOUR, DAY + 30 * HOUR),
    other(4, DAY + 48 * HOUR),
  ]);
  expect(await shares(DAY + 48 * HOUR)).toEqual({ "2026-03-10": 10 / 12, "2026-03-11": 18 / 24 });
});

it("what lies between missing events was not seen until they come", async () => {
  await send(server, site, [started(1, DAY), other(2, DAY + 6 * HOUR), other(5, DAY + 12 * HOUR)]);
  const now = DAY + 24 * HOUR;
  expect(await shares(now)).toEqual({ "2026-03-10": 0.75 });
  await send(server, site, [other(3, DAY + 7 * HOUR), other(4, DAY + 8 * HOUR)]);
  expect(await shares(now)).toEqual({ "2026-03-10": 1 });
});

it("the time since an agent fell silent is not called seen", async () => {
  await send(server, site, [started(1, DAY)]);
  await office.rows("UPDATE sites SET last_seen = to_timestamp($1)", [(DAY + 6 * HOUR) / 1000]);
  const [day] = await readCoverage(office.db.pool, { from: { text: "2026-03-10", local: true } }, DAY + 24 * HOUR);
  expect(day).toMatchObject({ site: site.id, day: "2026-03-10", seconds: 86_400, seen_seconds: 21_600, share: 0.25 });
});

it("a day on which clocks change has the seconds it has", async () => {
  const spring = Date.parse("2026-03-29T00:00:00+02:00");
  await send(server, site, [started(1, spring)]);
  await office.rows("UPDATE sites SET last_seen = to_timestamp($1)", [spring / 1000 + 100_000]);
  const days = await readCoverage(
    office.db.pool,
    { from: { text: "2026-03-29", local: true }, to: { text: "2026-03-30", local: true } },
    spring + 30 * HOUR,
  );
  expect(days).toMatchObject([{ day: "2026-03-29", seconds: 23 * 3600 }]);
});

it("a gap that named its events is repaired when all of them have come after all", async () => {
  const told = gap(6, DAY, DAY + HOUR, { Cause: "outbox_full", FromSeq: "2", ToSeq: "4", Count: "3" });
  await send(server, site, [started(1, DAY), other(5, DAY + HOUR), told]);
  const gaps = () => office.rows("SELECT repaired_by, repaired_at IS NOT NULL AS at FROM gaps");
  await send(server, site, [other(2, DAY + 1), other(3, DAY + 2)]);
  expect(await gaps()).toEqual([{ repaired_by: null, at: false }]);
  await send(server, site, [other(4, DAY + 3)]);
  expect(await gaps()).toEqual([{ repaired_by: "received", at: true }]);
  expect(await shares(DAY + 24 * HOUR)).toEqual({ "2026-03-10": 1 });
});

it("a gap of another outbox is repaired by that outbox's events, not by its own stream's", async () => {
  const [old, now] = [crypto.randomUUID(), crypto.randomUUID()];
  await send(server, site, [started(1, DAY)], { stream: old });
  const told = gap(1, DAY, DAY + HOUR, { Cause: "outbox_corrupt", FromSeq: "2", ToSeq: "2", Count: "1", Stream: old });
  await send(server, site, [told, other(2, DAY + HOUR)], { stream: now });
  expect(await office.rows("SELECT FROM gaps WHERE repaired_at IS NOT NULL")).toEqual([]);
  await send(server, site, [other(2, DAY + 5)], { stream: old });
  expect(await office.rows("SELECT repaired_by FROM gaps")).toEqual([{ repaired_by: "received" }]);
});

it("a site nothing is heard from is a gap that is still open, until its agent is heard again", async () => {
  await send(server, site, [started(1, DAY)]);
  expect(await cli("gaps")).toBe("no gaps\n");
  await office.rows("UPDATE sites SET last_seen = '2026-03-10T10:00+02'");
  expect(await cli("gaps")).toMatch(/2026-03-10 10:00:00 +still blind .*agent not heard +not known +no/);
  expect(await cli("gaps", "--to", "2026-03-10T09:00")).toBe("no gaps\n");
  expect(JSON.parse(await cli("gaps", "--json"))).toMatchObject([{ id: null, cause: "unheard", to_time: null }]);
  expect(await cli("gaps", "--lang", "ru")).toContain("агент молчит");
  await heartbeat(server, site);
  expect(await cli("gaps")).toBe("no gaps\n");
});

it("an agent that went with a goodbye is told once, with its own reason", async () => {
  const lost = { Event: MARKERS.captureLost, Cause: "agent_down", Detail: "the agent stops", Since: String(DAY) };
  await send(server, site, [started(1, DAY - HOUR), at(2, DAY, lost)]);
  await office.rows("UPDATE sites SET last_seen = to_timestamp($1)", [DAY / 1000]);
  expect(JSON.parse(await cli("gaps", "--json"))).toMatchObject([{ id: 1, cause: "agent_down", to_time: null }]);
  expect(await shares(DAY + 12 * HOUR)).toEqual({ "2026-03-09": 1, "2026-03-10": 0 });
  await send(server, site, [started(3, DAY + 6 * HOUR), gap(4, DAY, DAY + 6 * HOUR)]);
  await heartbeat(server, site);
  expect(JSON.parse(await cli("gaps", "--json"))).toMatchObject([{ cause: "agent_down", to_time: expect.any(String) }]);
});

it("a PBX that never let its agent in is blind since it was added", async () => {
  const report = { ami: "refused", outbox_bytes: 0, problem: "Asterisk refused the login of ringpost" };
  const [header = ""] = body([]).split("\n");
  await server.post(site.key, `${JSON.stringify({ ...(JSON.parse(header) as object), report })}\n`);
  expect(JSON.parse(await cli("gaps", "--json"))).toMatchObject([{ cause: "rights_missing", detail: report.problem }]);
});

it("gaps and coverage are commands, in two languages and as JSON", async () => {
  await send(server, site, [started(1, DAY), gap(2, DAY + HOUR, DAY + 2 * HOUR), started(3, DAY + 2 * HOUR)]);
  const detail = "not repaired: ".padEnd(200, "x");
  await office.rows("UPDATE gaps SET detail = $1", [detail]);
  expect(await cli("gaps")).toContain(` no        ${detail.slice(0, 87)}...\n`);
  const table = await cli("gaps", "--site", String(site.id), "--from", "2026-03-10", "--to", "2026-03-11");
  expect(table).toMatch(/2026-03-10 01:00:00 +2026-03-10 02:00:00 +1:00:00 +agent down +not known +no/);
  expect(await cli("gaps", "--lang", "ru")).toContain("агент не работал");
  expect(await cli("gaps", "--from", "2026-03-11")).toBe("no gaps\n");
  expect(JSON.parse(await cli("gaps", "--unrepaired", "--json"))).toMatchObject([
    { site: site.id, cause: "agent_down", from_time: "2026-03-09T23:00:00.000Z", repaired_at: null },
  ]);
  const day = await cli("coverage", "--from", "2026-03-10", "--to", "2026-03-11");
  expect(day).toMatch(/2026-03-10 +95\.83% +1:00:00/);
  const status = JSON.parse(await cli("status", "--json")) as { sites: { coverage_today: number }[] };
  expect(status.sites[0]?.coverage_today).toBeGreaterThan(0.9);
});
