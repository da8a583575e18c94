import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { capture, phonesSaw } from "../support/captures.ts";
import { untilFinal } from "./rows.ts";
import { openWorld, type World } from "./world.ts";

/** Writes down every status a call ever has, and every hangup step ever written or taken back. */
const WITNESS = `
  CREATE TABLE seen_statuses (linkedid text, status text);
  CREATE FUNCTION see_status() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO seen_statuses VALUES (NEW.linkedid, NEW.call_status); RETURN NEW; END $$;
  CREATE TRIGGER see_status AFTER INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION see_status();
  CREATE TABLE seen_hangups (what text);
  CREATE FUNCTION see_hangup() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF coalesce(NEW.event_type, OLD.event_type) = 'hangup' THEN INSERT INTO seen_hangups VALUES (TG_OP); END IF;
      RETURN coalesce(NEW, OLD);
    END $$;
  CREATE TRIGGER see_hangup AFTER INSERT OR DELETE ON call_events FOR EACH ROW EXECUTE FUNCTION see_hangup();`;

/** Of a call: whether a Hangup was committed before an event that came before it at the PBX. */
const OVERTAKEN = `
  SELECT count(DISTINCT h.linkedid)::int AS calls FROM ami_events h JOIN ami_events e
    ON e.site_id = h.site_id AND e.linkedid = h.linkedid AND e.seq < h.seq AND e.received_at > h.received_at
  WHERE h.event = 'Hangup'`;

const CALLS = [
  "22/incoming_answered",
  "16/incoming_answered",
  "22/outgoing_answered",
  "22/ring_group_answered",
  "16/ring_group_answered",
  "22/incoming_no_answer",
  "22/internal_answered",
  "22/followme_internal_answers",
];
let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

it("a Hangup that overtakes its own backlog never shows another final status than the true one", async () => {
  const pool = world.database.pool;
  await pool.query(WITNESS);
  const site = await world.site({ liveWindowSeconds: 3 });
  const plays = await Promise.all(CALLS.map((name) => site.pbx.play(capture(name))));
  await sleep(600); // the calls have begun and are known to the server
  await site.link.cut();
  await Promise.all(plays.map((play) => play.done));
  await site.link.restore();
  await untilFinal(pool, [site.id]);

  const truth = CALLS.flatMap((name, n) =>
    phonesSaw(name).map((call) => ({ ...call, id: plays[n]!.id(call.linkedid) })),
  );
  expect(await seenStatuses(pool)).toEqual(Object.fromEntries(truth.map((call) => [call.id, [call.status]])));
  const hangups = await pool.query<{ what: string; count: number }>(
    "SELECT what, count(*)::int AS count FROM seen_hangups GROUP BY what",
  );
  expect(hangups.rows).toEqual([{ what: "INSERT", count: truth.length }]);
  const sources = await pool.query<{ data_source: string }>("SELECT DISTINCT data_source FROM calls");
  expect(sources.rows).toEqual([{ data_source: "downloaded" }]);
  const { rows } = await pool.query<{ calls: number }>(OVERTAKEN);
  expect(rows[0]!.calls).toBeGreaterThan(0); // else nothing was tried
}, 60_000);

async function seenStatuses(pool: Pool): Promise<Record<string, string[]>> {
  const { rows } = await pool.query<{ linkedid: string; statuses: string[] }>(
    "SELECT linkedid, array_agg(DISTINCT status) AS statuses FROM seen_statuses WHERE status IS NOT NULL GROUP BY linkedid",
  );
  return Object.fromEntries(rows.map((row) => [row.linkedid, row.statuses]));
}
