import { afterEach, expect, test } from "vitest";
import { migrate } from "../../server/store/migrate.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
afterEach(() => database.drop());

test("a migrated database has the seed's four tables and nothing is left to run", async () => {
  database = await testDatabase();
  const { rows } = await database.pool.query(
    "SELECT table_name FROM information_schema.tables WHERE table_name IN ('calls', 'call_participants', 'call_events', 'download_sync')",
  );
  expect(rows).toHaveLength(4);
  expect(await migrate(database.url)).toEqual([]);
});

test("four servers that start at once on an empty database run each migration once", async () => {
  database = await testDatabase({ empty: true });
  const { url } = database;
  const ran = await Promise.all([migrate(url), migrate(url), migrate(url), migrate(url)]);
  const { rows } = await database.pool.query<{ name: string }>("SELECT name FROM pgmigrations ORDER BY id");
  expect(ran.flat().toSorted()).toEqual(rows.map((row) => row.name).toSorted());
  expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
});

test("a database made by another version is refused with what to do", async () => {
  database = await testDatabase();
  await database.pool.query("UPDATE pgmigrations SET name = '0000_something_else' WHERE id = 1");
  await expect(migrate(database.url)).rejects.toThrow(/another version of Ringpost/);
});
