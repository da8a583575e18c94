import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";

/** The queries and tables of the schema's own page, word for word. */
const read = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");
const queries = statements(read("seed-queries.sql"));

function statements(sql: string): string[] {
  return sql
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "")
    .map((statement) => `${statement};`);
}

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await db.pool.query(ROWS);
});
afterAll(() => db.drop());

/** Three live calls and two downloaded ones of two companies, who answered them after how long, and steps at every stage. */
const ROWS = `
  INSERT INTO calls (id, unique_id, enterprise_id, token, call_type, call_status, data_source) VALUES
    (101, '1.1', '0367', 't', 'incoming', 'answered', 'live'),
    (102, '1.2', '0367', 't', 'incoming', 'no_answer', 'live'),
    (103, '1.3', '0368', 't', 'outgoing', 'answered', 'live'),
    (104, '1.4', '0368', 't', 'incoming', 'answered', 'downloaded'),
    (105, '1.5', '0368', 't', 'internal', 'busy', 'downloaded'),
    (106, '1.6', '0367', 't', 'incoming', 'failed', 'migrated'),
    (107, '1.7', '0367', 't', 'incoming', 'answered', 'downloaded');
  INSERT INTO call_participants (call_id, extension, participant_status, ring_order, ring_duration) VALUES
    (101, '150', 'answered', 1, 4), (102, '150', 'no_answer', 1, 30), (104, '150', 'answered', 1, 7),
    (104, '151', 'no_answer', 2, 7), (107, '162', 'answered', 1, 3), (105, '162', 'busy', 1, 0);
  INSERT INTO call_events (call_id, unique_id, event_type, event_timestamp, raw_data, processed, needs_telegram, telegram_sent) VALUES
    (101, '1.1', 'start', '2025-01-03 10:00', '{}', TRUE, TRUE, TRUE),
    (101, '1.1', 'hangup', '2025-01-03 10:01', '{}', FALSE, TRUE, FALSE),
    (102, '1.2', 'hangup', '2025-01-03 10:02', '{}', FALSE, TRUE, FALSE),
    (104, '1.4', 'start', '2025-01-03 10:03', '{}', TRUE, FALSE, FALSE),
    (104, '1.4', 'bridge', '2025-01-03 10:04', '{}', FALSE, TRUE, FALSE);
`;

const ANSWERS: unknown[] = [
  [
    { data_source: "downloaded", count: "3" },
    { data_source: "live", count: "3" },
    { data_source: "migrated", count: "1" },
  ],
  [
    { enterprise_id: "0368", downloaded_events: "2" },
    { enterprise_id: "0367", downloaded_events: "1" },
  ],
  [
    { extension: "150", answered_calls: "2" },
    { extension: "162", answered_calls: "1" },
  ],
  [
    { extension: "150", avg_ring_time: "5.5000000000000000" },
    { extension: "162", avg_ring_time: "3.0000000000000000" },
  ],
  [{ count: "3" }],
  [
    { event_type: "bridge", count: "1" },
    { event_type: "hangup", count: "2" },
  ],
];

describe("every query printed in the seed runs word for word", () => {
  it("and all of them are here", () => expect(queries).toHaveLength(ANSWERS.length));

  it.each(queries.map((query, at) => [query, ANSWERS[at]] as const))("%s", async (query, answer) => {
    const { rows } = await db.pool.query<Record<string, string>>(query);
    const told = query.includes("ORDER BY")
      ? rows
      : rows.toSorted((a, b) => (Object.values(a)[0]! < Object.values(b)[0]! ? -1 : 1));
    expect(told).toEqual(answer);
  });
});

describe("the seed's tables", () => {
  const TABLES = ["calls", "call_participants", "call_events", "download_sync"];
  let seed: TestDatabase;

  beforeAll(async () => {
    seed = await testDatabase({ empty: true });
    await seed.pool.query(read("seed-tables.sql"));
  });
  afterAll(() => seed.drop());

  it.each(TABLES)(
    "%s has its columns in its order, with its types, defaults and NOT NULLs; ids are BIGINT, times have a zone",
    async (table) => {
      const wanted = await columns(seed, table);
      expect(wanted.length).toBeGreaterThan(8);
      const ours = await columns(db, table);
      expect(ours.slice(0, wanted.length)).toEqual(wanted.map(widened));
    },
  );

  it("have its indexes by name, on the same columns", async () => {
    const wanted = (await indexes(seed)).filter(({ name }) => name.startsWith("idx_"));
    expect(wanted).toHaveLength(13);
    const ours = new Map((await indexes(db)).map((index) => [index.name, index.on]));
    expect(wanted.map(({ name }) => ({ name, on: ours.get(name) }))).toEqual(wanted);
  });

  it("take rows that name the seed's own columns only", async () => {
    const { rows } = await db.pool.query(
      `INSERT INTO download_sync (enterprise_id, asterisk_host) VALUES ('0367', '10.88.10.11')
       RETURNING sync_enabled, check_interval_minutes, total_downloaded_events`,
    );
    expect(rows).toEqual([{ sync_enabled: true, check_interval_minutes: 60, total_downloaded_events: 0 }]);
  });

  it("delete a call's participants and events with it", async () => {
    await db.pool.query("BEGIN; DELETE FROM calls WHERE id = 105; COMMIT");
    const { rows } = await db.pool.query("SELECT FROM call_participants WHERE call_id = 105");
    expect(rows).toEqual([]);
  });
});

interface Column {
  name: string;
  type: string;
  nullable: boolean;
  value: string | null;
}

async function columns({ pool }: TestDatabase, table: string): Promise<Column[]> {
  const { rows } = await pool.query<Column>(
    `SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable, column_default AS value
     FROM information_schema.columns WHERE table_name = $1 AND table_schema = 'public' ORDER BY ordinal_position`,
    [table],
  );
  return rows;
}

/** What is meant to differ from the seed: SERIAL and references to it, TIMESTAMP, and the partition key that cannot be NULL. */
function widened({ name, type, nullable, value }: Column, _: number, all: Column[]): Column {
  const isId = name === "id" || name === "call_id";
  const isKey = name === "received_timestamp" && all.some((column) => column.name === "event_sequence");
  return {
    name,
    type: isId ? "bigint" : type.replace("without", "with"),
    nullable: isKey ? false : nullable,
    value: name === "id" ? null : value,
  };
}

/** A partitioned table's index, too, and without its key's direction or condition spelled otherwise. */
async function indexes({ pool }: TestDatabase): Promise<{ name: string; on: string }[]> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `SELECT c.relname AS name, pg_get_indexdef(c.oid) AS definition FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' ORDER BY 1`,
  );
  return rows.map(({ name, definition }) => ({
    name,
    on: definition.replace(/^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?/, ""),
  }));
}
