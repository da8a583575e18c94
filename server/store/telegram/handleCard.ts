import type { Pool } from "pg";
import { addJobs } from "../deliveryJobs.ts";
import { inTransaction } from "../transaction.ts";

/** Where a button was pressed, and by whom. */
export interface Press {
  cardId: number;
  chat: string;
  messageId: number;
  by: string;
  /** Enterprises whose bot it is. */
  enterprises: readonly string[];
}

/** `now`: it was marked. `already`: by somebody before. `unknown`: there is no such card. */
export type Handled = { kind: "now" | "already"; by: string; enterpriseId: string } | { kind: "unknown" };

/** Marks a missed call as handled, once, and owes every card of the call the news. */
export async function handleCard(pool: Pool, press: Press): Promise<Handled> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ callId: string; enterpriseId: string }>(
      `SELECT c.id AS "callId", c.enterprise_id AS "enterpriseId" FROM telegram_cards k JOIN calls c ON c.id = k.call_id
       WHERE k.id = $1 AND k.chat = $2 AND k.message_id = $3 AND c.enterprise_id = ANY ($4) FOR NO KEY UPDATE OF c`,
      [press.cardId, press.chat, press.messageId, press.enterprises],
    );
    const found = rows[0];
    if (found === undefined) return { kind: "unknown" };
    const before = await client.query<{ by: string }>(
      `SELECT handled_by AS by FROM telegram_cards WHERE call_id = $1 AND handled_at IS NOT NULL ORDER BY handled_at LIMIT 1`,
      [found.callId],
    );
    const { enterpriseId } = found;
    if (before.rows[0] !== undefined) return { kind: "already", by: before.rows[0].by, enterpriseId };
    await client.query("UPDATE telegram_cards SET handled_by = $2, handled_at = now() WHERE id = $1", [
      press.cardId,
      press.by,
    ]);
    await client.query(OWE, [found.callId]);
    return { kind: "now", by: press.by, enterpriseId };
  });
}

const OWE = `
  WITH owed AS (
    INSERT INTO deliveries (enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target)
    SELECT c.enterprise_id, c.id, c.unique_id, c.site_id, c.linkedid, 'handled', 1, 'telegram', k.target
    FROM calls c JOIN telegram_cards k ON k.call_id = c.id AND k.merged_leg = '' WHERE c.id = $1
    ON CONFLICT DO NOTHING RETURNING enterprise_id, call_id, channel, target)
  ${addJobs("owed")}`;
