import type { ClientBase } from "pg";
import { addJobs } from "../deliveryJobs.ts";
import type { Urgency } from "../insertDeliveries.ts";
import { sameNumber } from "./sameNumber.ts";
import type { Merge } from "../merge.ts";

/** A hangup that was just written; `startedAt` in epoch ms. */
export interface NewHangup {
  enterpriseId: string;
  callId: number;
  uniqueId: string;
  siteId: number;
  leg: string;
  nth: number;
  /** Somebody talked with this number: who missed it before need not call back any more. Null: nobody did. */
  answeredNumber: string | null;
  startedAt: number;
  callbackMsMax: number;
  urgency: Urgency;
}

const RECORD = `"enterpriseId" text, "callId" bigint, "uniqueId" text, "siteId" int, leg text, nth int,
  "answeredNumber" text, "startedAt" float8, "callbackMsMax" float8, urgency int`;
const COLUMNS = "enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target, urgency";
const ADDED = "ON CONFLICT DO NOTHING RETURNING enterprise_id, call_id, channel, target";
/** A call takes no longer. */
const CALL_TIME_MAX = "interval '1 day'";

/**
 * What the end of calls means for cards that are there already, in the transaction that writes it: their own cards, in
 * whatever chat, get their last state; cards of missed calls from the same numbers tell that somebody called back.
 */
export async function oweHangups(client: ClientBase, hangups: readonly NewHangup[]): Promise<void> {
  if (hangups.length === 0) return;
  await client.query({
    name: "owe_hangups",
    text: `WITH r AS (SELECT * FROM json_to_recordset($1) AS r (${RECORD})),
      told AS (
        SELECT DISTINCT d.call_id, d.target FROM r JOIN deliveries d ON d.call_id = r."callId" AND d.channel = 'telegram'),
      ended AS (
        INSERT INTO deliveries (${COLUMNS})
        SELECT "enterpriseId", "callId", "uniqueId", "siteId", leg, 'hangup', nth, 'telegram', told.target, urgency
        FROM r JOIN told ON told.call_id = r."callId" ${ADDED}),
      back AS (
        INSERT INTO deliveries (${COLUMNS})
        SELECT DISTINCT m.enterprise_id, m.id, m.unique_id, m.site_id, m.linkedid, 'callback', 1, 'telegram', d.target, 1
        FROM r JOIN calls m ON m.enterprise_id = "enterpriseId" AND ${sameNumber("m.phone_number", 'r."answeredNumber"')}
          AND m.start_time BETWEEN to_timestamp(("startedAt" - "callbackMsMax") / 1000) - ${CALL_TIME_MAX}
                               AND to_timestamp("startedAt" / 1000)
          AND m.end_time >= to_timestamp(("startedAt" - "callbackMsMax") / 1000)
          AND m.call_type = 'incoming' AND m.state = 'final' AND m.call_status <> 'answered' AND m.id <> "callId"
        JOIN deliveries d ON d.call_id = m.id AND d.channel = 'telegram' ${ADDED}),
      owed AS (SELECT * FROM ended UNION SELECT * FROM back)
      ${addJobs("owed")}`,
    values: [JSON.stringify(hangups)],
  });
}

/**
 * Takes the cards of merged calls along, before their rows go. In a chat where the survivor has none, the card becomes its own;
 * elsewhere it is owed a last word.
 */
export async function mergeCards(client: ClientBase, merges: readonly Merge[]): Promise<void> {
  await client.query(
    `WITH m AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS m (gone, survivor)),
      found AS (
        SELECT k.id, m.survivor, CASE WHEN k.merged_leg <> '' THEN k.merged_leg ELSE g.linkedid END AS leg,
          k.merged_leg = '' AND row_number() OVER (PARTITION BY m.survivor, k.target ORDER BY k.merged_leg <> '', k.id) = 1
            AND NOT EXISTS (SELECT FROM telegram_cards s
                            WHERE s.call_id = m.survivor AND s.target = k.target AND s.merged_leg = '') AS becomes_its_own
        FROM m JOIN calls g ON g.id = m.gone JOIN telegram_cards k ON k.call_id = m.gone),
      moved AS (
        UPDATE telegram_cards k SET call_id = survivor, merged_leg = CASE WHEN becomes_its_own THEN '' ELSE leg END
        FROM found WHERE k.id = found.id RETURNING k.*),
      owed AS (
        INSERT INTO deliveries (${COLUMNS})
        SELECT s.enterprise_id, s.id, s.unique_id, s.site_id, moved.merged_leg, 'merged', 1, 'telegram', moved.target, 2
        FROM moved JOIN calls s ON s.id = moved.call_id WHERE moved.merged_leg <> '' ${ADDED})
     ${addJobs("owed")}`,
    [merges.map(({ gone }) => gone), merges.map(({ survivor }) => survivor)],
  );
}
