import type { Pool, PoolClient } from "pg";
import pg from "pg";
import { inTransaction } from "./transaction.ts";

export interface ReadOnlyAnswer {
  columns: string[];
  /** Values in the order of `columns`; int8 and numeric as numbers, timestamps as text with their offset, jsonb as objects. */
  rows: unknown[][];
  /** There were more than `rowsMax` rows. */
  cut: boolean;
}

/** Statements that a cursor can read, and of which only the rows asked for are fetched. */
const CURSOR_READABLE = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(?:select|with|values|table)\b/i;

/**
 * Runs one statement of the operator's in a read-only transaction with a time limit.
 * As superuser (embedded PostgreSQL) it steps down first: COPY ... TO PROGRAM and server files are out of reach.
 * @throws pg.DatabaseError as PostgreSQL says it.
 */
export function queryReadOnly(
  pool: Pool,
  sql: string,
  { timeoutMs, rowsMax }: { timeoutMs: number; rowsMax: number },
): Promise<ReadOnlyAnswer> {
  return inTransaction(
    pool,
    async (client) => {
      await client.query(`SET LOCAL statement_timeout = ${timeoutMs}`);
      await stepDown(client);
      if (!CURSOR_READABLE.test(sql)) return answer(await one(client, sql), rowsMax);
      await one(client, `DECLARE answer NO SCROLL CURSOR FOR ${sql}`);
      return answer(await one(client, `FETCH ${rowsMax + 1} FROM answer`), rowsMax);
    },
    "BEGIN READ ONLY",
  );
}

async function stepDown(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ may: boolean }>("SELECT pg_has_role('pg_read_all_data', 'MEMBER') AS may");
  if (rows[0]?.may) await client.query("SET LOCAL ROLE pg_read_all_data");
}

/** pg knows queryMode; its types do not yet. */
type ExtendedQuery = pg.QueryArrayConfig & { queryMode: "extended" };

/** The extended protocol takes one statement only: `...; COMMIT; DELETE ...` is refused. */
function one(client: PoolClient, text: string): Promise<pg.QueryArrayResult> {
  const query: ExtendedQuery = { text, rowMode: "array", queryMode: "extended", types: READABLE };
  return client.query(query);
}

function answer(result: pg.QueryArrayResult, rowsMax: number): ReadOnlyAnswer {
  const columns = result.fields.map((field) => field.name);
  return { columns, rows: result.rows.slice(0, rowsMax), cut: result.rows.length > rowsMax };
}

const { INT8, NUMERIC, TIMESTAMP, TIMESTAMPTZ, DATE } = pg.types.builtins;
const AS_NUMBER: readonly number[] = [INT8, NUMERIC];
const AS_TEXT: readonly number[] = [TIMESTAMP, TIMESTAMPTZ, DATE];
const READABLE: pg.CustomTypesConfig = {
  getTypeParser: ((id: number, format?: "text" | "binary") => {
    if (AS_NUMBER.includes(id)) return Number;
    if (AS_TEXT.includes(id)) return String;
    return pg.types.getTypeParser(id, format as "text");
  }) as typeof pg.types.getTypeParser,
};
