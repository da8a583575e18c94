import pg, { type Pool } from "pg";
import { INVALID_PARAMETER_VALUE } from "./enterprises.ts";

/** Whether PostgreSQL can reckon in this time zone; its list may differ from Node's. */
export async function knowsTimezone(pool: Pool, timezone: string): Promise<boolean> {
  try {
    await pool.query("SELECT now() AT TIME ZONE $1", [timezone]);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === INVALID_PARAMETER_VALUE) return false;
    throw error;
  }
}
