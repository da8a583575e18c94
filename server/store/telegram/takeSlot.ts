import type { Pool } from "pg";
import type { ChatKey, Pace } from "./claimCard.ts";

/** The message goes out only now: the next one counts from here. */
export async function moveSlot(pool: Pool, { bot, chat }: Pick<ChatKey, "bot" | "chat">): Promise<void> {
  await pool.query({
    name: "move_slot",
    text: "UPDATE telegram_pace SET sent[cardinality(sent)] = clock_timestamp() WHERE bot = $1 AND chat = $2",
    values: [bot, chat],
  });
}

/** No message went out: its place, the chat's last, is free again in the chat's time and in the bot's. */
export async function returnSlot(pool: Pool, { bot, chat }: Pick<ChatKey, "bot" | "chat">): Promise<void> {
  await pool.query({
    name: "return_slot",
    text: `WITH mine AS (
             SELECT bot, chat, sent FROM telegram_pace WHERE bot = $1 AND chat IN ($2, '') ORDER BY chat DESC FOR UPDATE),
           taken AS (SELECT sent[cardinality(sent)] AS at FROM mine WHERE chat = $2)
           UPDATE telegram_pace p SET sent = array_remove(p.sent, taken.at)
           FROM mine, taken WHERE (p.bot, p.chat) = (mine.bot, mine.chat)`,
    values: [bot, chat],
  });
}

/** Takes the right to send one message to a chat now (null), or tells in how many ms there may be one. */
export async function takeSlot(
  pool: Pool,
  { bot, chat }: Pick<ChatKey, "bot" | "chat">,
  pace: Pace,
): Promise<number | null> {
  const { gapMs, spanMs, perSpan, botPerSecond } = pace;
  const { rows } = await pool.query<{ ms: number | null }>(
    `SELECT greatest(0, extract(epoch FROM free_at - clock_timestamp()) * 1000)::float8 AS ms
     FROM (SELECT telegram_slot($1, $2, $3::float8 * interval '1 ms', $4::float8 * interval '1 ms', $5, $6, interval '0') AS free_at) s
     WHERE free_at IS NOT NULL`,
    [bot, chat, gapMs, spanMs, perSpan[0], botPerSecond[0]],
  );
  return rows[0]?.ms ?? null;
}
