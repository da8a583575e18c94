import type { ClientBase, Pool } from "pg";
import { stillWaits } from "../deliveryJobs.ts";
import { FLAGS, SAME_STEP } from "../finishDelivery.ts";
import { inTransaction, together } from "../transaction.ts";

/** How one of a card's deliveries ended; the error says why it was not sent. */
export interface CardEnd {
  id: number;
  state: "sent" | "given_up" | "superseded";
  error: string | null;
}

/** Notes the message at once, before anything else is: a server that dies later sends no second one. */
export async function saveMessage(
  pool: Pool,
  cardId: number,
  { chat, messageId, shown }: { chat: string; messageId: number; shown: string },
): Promise<void> {
  await pool.query({
    name: "save_message",
    text: `UPDATE telegram_cards SET chat = $2, message_id = $3, shown = $4, sent_at = coalesce(sent_at, now()) WHERE id = $1`,
    values: [cardId, chat, messageId, shown],
  });
}

/**
 * Planning for all partitions takes longer than doing: once for each connection. Nobody waits for the disk: what a crash of
 * PostgreSQL takes back is closed anew, as the message noted before says that it is there.
 */
const BEGIN = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL synchronous_commit = off";

/** Closes a card's deliveries, keeps their steps' flags true and lets go of the card. The call is locked first, as ingest does. */
export async function finishCard(pool: Pool, cardId: number, ends: readonly CardEnd[]): Promise<void> {
  await inTransaction(
    pool,
    (client) =>
      together([
        client.query(BEGIN),
        client.query({
          name: "lock_call_of_card",
          text: "SELECT FROM calls WHERE id = (SELECT call_id FROM telegram_cards WHERE id = $1) FOR NO KEY UPDATE",
          values: [cardId],
        }),
        ...closeDeliveries(client, ends),
        client.query({
          name: "let_go_of_card",
          text: "UPDATE telegram_cards SET claimed_until = NULL WHERE id = $1",
          values: [cardId],
        }),
      ]),
    "begun by the work",
  );
}

/** One after the other, sent at once: nothing waits for an answer. */
function closeDeliveries(client: ClientBase, ends: readonly CardEnd[]): Promise<unknown>[] {
  const ids = ends.map(({ id }) => id);
  return [
    client.query({
      name: "lock_steps_of_card",
      text: `SELECT FROM call_events e JOIN deliveries d ON ${SAME_STEP} WHERE d.id = ANY ($1::bigint[]) FOR UPDATE OF e`,
      values: [ids],
    }),
    client.query({
      name: "close_deliveries",
      text: `UPDATE deliveries d SET state = r.state, last_error = r.error, done_at = now(), next_attempt_at = NULL
             FROM json_to_recordset($1) AS r (id bigint, state text, error text) WHERE d.id = r.id AND ${stillWaits("d")}`,
      values: [JSON.stringify(ends)],
    }),
    client.query({
      name: "flag_steps_of_card",
      text: `UPDATE call_events e SET ${FLAGS} FROM deliveries d WHERE d.id = ANY ($1::bigint[]) AND ${SAME_STEP}`,
      values: [ids],
    }),
  ];
}

/**
 * Puts a card back: it could not be sent now. `forget`: its message is in a group that is no more. Unless the message
 * `mayBeThere`, the attempt does not count.
 */
export async function releaseCard(
  pool: Pool,
  cardId: number,
  {
    ids,
    error,
    forget = false,
    mayBeThere = false,
  }: { ids: readonly number[]; error: string; forget?: boolean; mayBeThere?: boolean },
): Promise<void> {
  await pool.query(
    `WITH noted AS (UPDATE deliveries SET last_error = $3 WHERE id = ANY ($2::bigint[]))
     UPDATE telegram_cards SET claimed_until = NULL, attempts = CASE WHEN $5 THEN attempts ELSE attempts - 1 END, chat = CASE WHEN $4 THEN NULL ELSE chat END,
       message_id = CASE WHEN $4 THEN NULL ELSE message_id END, shown = CASE WHEN $4 THEN NULL ELSE shown END
     WHERE id = $1`,
    [cardId, ids, error, forget, mayBeThere],
  );
}

/** Gives up what waits for a chat, at most so many at once; returns how many. */
export async function giveUpChat(
  pool: Pool,
  { enterpriseId, target }: { enterpriseId: string; target: string },
  error: string,
  countMax: number,
): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: number }>(
      `SELECT id::float8 AS id FROM deliveries WHERE enterprise_id = $1 AND channel = 'telegram' AND target = $2
         AND state = 'waiting' ORDER BY created_at LIMIT $3`,
      [enterpriseId, target, countMax],
    );
    await together(
      closeDeliveries(
        client,
        rows.map(({ id }) => ({ id, state: "given_up", error })),
      ),
    );
    return rows.length;
  });
}
