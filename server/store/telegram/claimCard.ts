import type { Pool } from "pg";
import { stillWaits } from "../deliveryJobs.ts";

/** A chat of an enterprise, and where it is. */
export interface ChatKey {
  enterpriseId: string;
  /** Name within the enterprise. */
  target: string;
  /** The bot's id. */
  bot: string;
  chat: string;
}

/** How fast messages may follow each other. */
export interface Pace {
  gapMs: number;
  spanMs: number;
  /** Within `spanMs`, by urgency: 0 missed calls, 1 other news, 2 what goes on meanwhile. */
  perSpan: readonly [number, number, number];
  /** Likewise. */
  botPerSecond: readonly [number, number, number];
  /** Likewise: how long it waits when the bot has too much to say. */
  patienceMs: readonly [number, number, number];
}

export interface CardLimits {
  claimMsMax: number;
  /** What was owed longer ago is no news any more. */
  freshMsMax: number;
  /** When this server began, epoch ms; what was owed before may be in doubt for at most `doubtMsMax`. */
  startedAt: number;
  doubtMsMax: number;
}

/** A card that is being sent by whoever holds this. */
export interface ClaimedCard {
  id: number;
  callId: number;
  /** Linkedid of the merged call it shows; '': it shows the call itself. */
  mergedLeg: string;
  /** Where the message is, once there is one. */
  chat: string | null;
  messageId: number | null;
  shown: string | null;
  /** This one included. */
  attempts: number;
  /** What it brings; `deliveries.id`. */
  deliveryIds: number[];
  /** Failures of the chat in a row. */
  failures: number;
  /** What is known to be wrong with the chat, though messages go there. */
  problem: string | null;
  /** Other cards wait for this chat. */
  more: boolean;
}

/** `wait`: nothing may be sent before so many ms; `paused`: not even what is more urgent. `refused`: the chat wants nothing, see the problem. */
export type Claim =
  | { kind: "card"; card: ClaimedCard }
  | { kind: "idle" }
  | { kind: "again" }
  | { kind: "wait"; ms: number; paused: boolean }
  | { kind: "refused"; problem: string };

type Row = Omit<ClaimedCard, "id"> & {
  id: number | null;
  waitMs: number | null;
  refused: boolean;
  paused: boolean;
};

/**
 * Claims the most urgent card that waits for this chat, when the chat's pace and circuit allow a message now: missed calls
 * first, then calls that begin or end; of those alike what is fresh before what has waited long, so that a backlog delays
 * no news. All that waits for the card goes with it.
 */
export async function claimCard(pool: Pool, key: ChatKey, pace: Pace, limits: CardLimits): Promise<Claim> {
  const { enterpriseId, target, bot, chat } = key;
  const { gapMs, spanMs, perSpan, botPerSecond, patienceMs } = pace;
  const { claimMsMax, freshMsMax, startedAt, doubtMsMax } = limits;
  const { rows } = await pool.query<Row>({
    name: "claim_card",
    text: CLAIM,
    values: [
      enterpriseId,
      target,
      bot,
      chat,
      gapMs,
      spanMs,
      perSpan,
      botPerSecond,
      claimMsMax,
      startedAt,
      doubtMsMax,
      patienceMs,
      freshMsMax,
    ],
  });
  const row = rows[0];
  if (row === undefined) return { kind: "idle" };
  if (row.refused) return { kind: "refused", problem: row.problem ?? "" };
  if (row.waitMs !== null) return { kind: "wait", ms: row.waitMs, paused: row.paused };
  return row.id === null ? { kind: "again" } : { kind: "card", card: { ...row, id: row.id } };
}

const OF_LEG = "CASE WHEN d.event_type = 'merged' THEN d.leg ELSE '' END";

/** Put off, it goes with what comes next of its call. */
const IS_DUE = "(d.next_attempt_at IS NULL OR d.next_attempt_at <= now())";

/**
 * What was owed before PostgreSQL or this server began waits until the site's agent was heard: only it knows whether the
 * database was put back to an older copy, and then this may have been sent already.
 */
const CLAIM = `
WITH begun AS (
  SELECT greatest(pg_postmaster_start_time(), to_timestamp($10::float8 / 1000)) AS at),
circuit AS (
  SELECT failures, problem, open_until, open_until > now() AS is_open FROM delivery_circuits
  WHERE enterprise_id = $1 AND channel = 'telegram' AND target = $2),
next AS (
  SELECT first.*, urgency FROM generate_series(0, 2) AS urgency
  CROSS JOIN (VALUES (1, now() - $13::float8 * interval '1 ms', 'infinity'), (2, '-infinity', now() - $13::float8 * interval '1 ms'))
    AS age (rank, after, until)
  CROSS JOIN LATERAL (
    SELECT d.call_id, ${OF_LEG} AS merged_leg FROM deliveries d LEFT JOIN sites s ON s.id = d.site_id, begun
    WHERE d.enterprise_id = $1 AND d.channel = 'telegram' AND d.target = $2 AND d.state = 'waiting' AND d.call_id IS NOT NULL
      AND d.urgency = urgency.urgency AND d.created_at > age.after AND d.created_at <= age.until
      AND ${IS_DUE}
      AND NOT EXISTS (SELECT FROM telegram_cards k WHERE (k.call_id, k.target, k.merged_leg) =
                        (d.call_id, d.target, ${OF_LEG}) AND k.claimed_until > now())
      AND NOT (d.created_at < begun.at AND coalesce(s.last_seen, '-infinity') < begun.at
               AND now() < begun.at + $11::float8 * interval '1 ms')
    ORDER BY d.created_at LIMIT 1) first
  WHERE NOT EXISTS (SELECT FROM circuit WHERE is_open)
  ORDER BY urgency, age.rank LIMIT 1),
due AS (
  SELECT n.call_id, n.merged_leg, n.urgency, array_agg(d.id ORDER BY d.id) AS ids
  FROM next n JOIN deliveries d ON d.call_id = n.call_id AND d.channel = 'telegram' AND d.target = $2
    AND ${stillWaits("d")} AND ${OF_LEG} = n.merged_leg
  GROUP BY 1, 2, 3),
slot AS (
  SELECT telegram_slot($3, $4, $5::float8 * interval '1 ms', $6::float8 * interval '1 ms', ($7::int[])[urgency + 1],
                       ($8::int[])[urgency + 1], ($12::int[])[urgency + 1] * interval '1 ms') AS free_at FROM due),
put_off AS (
  UPDATE deliveries d SET next_attempt_at = slot.free_at FROM due, slot
  WHERE slot.free_at IS NOT NULL AND ($12::int[])[due.urgency + 1] > 0 AND d.id = ANY (due.ids)),
card AS (
  INSERT INTO telegram_cards AS k (call_id, target, merged_leg, claimed_until, attempts)
  SELECT call_id, $2, merged_leg, now() + $9::float8 * interval '1 ms', 1 FROM due, slot WHERE free_at IS NULL
  ON CONFLICT (call_id, target, merged_leg) DO UPDATE
    SET claimed_until = excluded.claimed_until, attempts = k.attempts + 1
    WHERE k.claimed_until IS NULL OR k.claimed_until <= now()
  RETURNING *),
tried AS (UPDATE deliveries d SET attempts = d.attempts + 1 FROM due, card WHERE d.id = ANY (due.ids))
SELECT card.id::float8 AS id, due.call_id::float8 AS "callId", due.merged_leg AS "mergedLeg", card.chat,
  card.message_id::float8 AS "messageId", card.shown, card.attempts, due.ids::float8[] AS "deliveryIds",
  coalesce(c.failures, 0) AS failures, c.problem, coalesce(wait.until = 'infinity', FALSE) AS refused,
  coalesce(c.is_open, FALSE) AS paused,
  card.id IS NOT NULL AND EXISTS (
    SELECT FROM deliveries d
    WHERE d.enterprise_id = $1 AND d.channel = 'telegram' AND d.target = $2 AND d.state = 'waiting' AND d.call_id IS NOT NULL
      AND ${IS_DUE} AND (d.call_id, ${OF_LEG}) <> (due.call_id, due.merged_leg)) AS more,
  CASE WHEN wait.until < 'infinity'
    THEN greatest(0, extract(epoch FROM wait.until - clock_timestamp()) * 1000)::float8 END AS "waitMs"
FROM (SELECT) AS one LEFT JOIN circuit c ON TRUE LEFT JOIN due ON TRUE LEFT JOIN slot ON TRUE LEFT JOIN card ON TRUE
  CROSS JOIN LATERAL (SELECT CASE WHEN c.is_open THEN c.open_until ELSE slot.free_at END AS until) wait
WHERE due.call_id IS NOT NULL OR c.is_open`;
