import type { Pool } from "pg";

export interface ChatOf {
  enterpriseId: string;
  target: string;
}

/** A chat that nothing can be sent to until somebody sees to it, or that is told elsewhere than it should be. */
export interface ChatProblem {
  enterprise_id: string;
  target: string;
  problem: string;
  /** Nothing is sent to it. */
  refused: boolean;
}

/**
 * Leaves a chat alone for so long; null: until somebody has seen to it. `failed`: it counts as a failure (a chat that asks
 * for a pause does not fail).
 */
export async function pauseChat(
  pool: Pool,
  { enterpriseId, target }: ChatOf,
  { ms, failed, problem = null }: { ms: number | null; failed: boolean; problem?: string | null },
): Promise<void> {
  await pool.query(
    `INSERT INTO delivery_circuits AS c (enterprise_id, channel, target, failures, open_until, problem)
     VALUES ($1, 'telegram', $2, $4, coalesce(now() + $3::float8 * interval '1 ms', 'infinity'), $5)
     ON CONFLICT (enterprise_id, channel, target) DO UPDATE SET failures = c.failures + excluded.failures,
       open_until = excluded.open_until, problem = excluded.problem`,
    [enterpriseId, target, ms, failed ? 1 : 0, problem],
  );
}

/** Notes what somebody should see to, while messages go on. */
export async function noteProblem(pool: Pool, { enterpriseId, target }: ChatOf, problem: string): Promise<void> {
  await pool.query(
    `INSERT INTO delivery_circuits (enterprise_id, channel, target, problem) VALUES ($1, 'telegram', $2, $3)
     ON CONFLICT (enterprise_id, channel, target) DO UPDATE SET failures = 0, open_until = NULL, problem = excluded.problem`,
    [enterpriseId, target, problem],
  );
}

/** The chat works: one of the enterprise's, or (null) all of them. */
export async function clearChats(pool: Pool, enterpriseId: string, target: string | null): Promise<void> {
  await pool.query(
    `DELETE FROM delivery_circuits WHERE enterprise_id = $1 AND channel = 'telegram' AND ($2::text IS NULL OR target = $2)`,
    [enterpriseId, target],
  );
}

/** Chats somebody has to see to. */
export async function listChatProblems(pool: Pool): Promise<ChatProblem[]> {
  const { rows } = await pool.query<ChatProblem>(
    `SELECT enterprise_id, target, problem, coalesce(open_until = 'infinity', FALSE) AS refused FROM delivery_circuits
     WHERE channel = 'telegram' AND problem IS NOT NULL ORDER BY enterprise_id, target`,
  );
  return rows;
}
