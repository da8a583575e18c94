import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { openPool } from "../../server/store/pool.ts";
import { TEMPLATE, withDatabase } from "./postgres-names.ts";

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  /** Removes the database. Throws when a connection to it was left open: somebody forgot to end a pool. */
  drop(): Promise<void>;
}

/** Copying a template needs that nobody is connected to it; workers that ask at the same moment take turns. */
const copyTriesMax = 50;
const OBJECT_IN_USE = "55006";
/** Connections of an ended pool or a stopped process take a moment to vanish from pg_stat_activity. */
const leaveMsMax = 3_000;

/** A fresh database with the whole schema, of this test alone. Call drop() in afterEach/afterAll. */
export async function testDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await asAdmin(adminUrl, (admin) => copyTemplate(admin, name, options.empty ? "template0" : TEMPLATE));
  const url = withDatabase(adminUrl, name);
  const pool = openPool({ url, name: "test" });
  return { url, pool, drop: () => dropDatabase(adminUrl, name, pool) };
}

async function copyTemplate(admin: pg.Client, name: string, template: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
      return;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== OBJECT_IN_USE || tries === copyTriesMax) throw error;
    }
  }
}

async function dropDatabase(adminUrl: string, name: string, pool: pg.Pool): Promise<void> {
  if (!pool.ended) await pool.end();
  await asAdmin(adminUrl, async (admin) => {
    const leaked = await connectionsLeft(admin, name);
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    if (leaked.length > 0) throw new Error(`connections left open: ${leaked.join(", ")}`);
  });
}

async function connectionsLeft(admin: pg.Client, name: string): Promise<string[]> {
  const deadline = performance.now() + leaveMsMax;
  for (;;) {
    const { rows } = await admin.query<{ who: string }>(
      `SELECT coalesce(nullif(application_name, ''), 'unnamed') || ': ' || left(query, 80) AS who
       FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
      [name],
    );
    if (rows.length === 0 || performance.now() > deadline) return rows.map((row) => row.who);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function asAdmin<T>(url: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
