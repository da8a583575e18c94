import pg from "pg";

export interface PoolOptions {
  url: string;
  /** Shown in pg_stat_activity. */
  name: string;
  connectionsMax?: number;
  /** Told of connections that break while idle; the pool replaces them by itself. */
  onError?: (error: Error) => void;
}

const connectMsMax = 10_000;

/**
 * A pool that survives the database's restarts: a broken idle connection is reported, dropped and replaced. Its
 * connections pipeline: a query is sent at once, also while others are under way; so none takes a COPY or a cursor.
 */
export function openPool({ url, name, connectionsMax = 20, onError }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: connectionsMax,
    connectionTimeoutMillis: connectMsMax,
    keepAlive: true,
    pipeline: true,
  });
  pool.on("error", onError ?? (() => undefined));
  // One that breaks while in use is told by the query it was busy with.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
