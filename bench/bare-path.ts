import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import pg from "pg";
import { Pool } from "undici";

const ROUNDS = 300;
const BODY = JSON.stringify({ Event: "Newchannel", Channel: "PJSIP/trunk-a-00000001", Pad: "x".repeat(400) });

/**
 * The least an event costs on its way: one SQLite commit, one HTTP round trip, one PostgreSQL commit, one after the
 * other, nothing else done. Milliseconds of each round.
 */
export async function barePath(folder: string, databaseUrl: string): Promise<number[]> {
  const sqlite = openSqlite(join(folder, "bare-path.sqlite"));
  const http = createServer((request, response) => request.resume().once("end", () => response.end("ok")));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const client = new Pool(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { connections: 1 });
  const postgres = new pg.Client({ connectionString: databaseUrl });
  await postgres.connect();
  await postgres.query("CREATE TABLE bench_bare_path (id bigint GENERATED ALWAYS AS IDENTITY, body jsonb)");
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    sqlite.insert.run(BODY);
    await (await client.request({ method: "POST", path: "/", body: BODY })).body.text();
    await postgres.query("INSERT INTO bench_bare_path (body) VALUES ($1)", [BODY]);
    rounds.push(performance.now() - startedAt);
  }
  await postgres.query("DROP TABLE bench_bare_path");
  await postgres.end();
  await client.close();
  http.close();
  sqlite.db.close();
  return rounds;
}

function openSqlite(path: string) {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)");
  return { db, insert: db.prepare("INSERT INTO t (body) VALUES (?)") };
}
