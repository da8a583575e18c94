import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { server, type Outcome } from "./command.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

function run(...args: string[]): Promise<Outcome> {
  return server(args, { env: { DATABASE_URL: database.url } });
}

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.pool.query<Record<string, unknown>>(sql)).rows;
}

test("enterprise add keeps every setting, through npm as the README says it", async () => {
  const flags = ["--timezone", "Europe/Moscow", "--extensions", "^1\\d\\d$", "--trunks", "trunk-a, trunk-b", "--json"];
  const added = await server(["enterprise", "add", "0367", "--name", "Акме", "--token", "t0k", ...flags], {
    npm: true,
    env: { DATABASE_URL: database.url },
  });
  expect(added).toMatchObject({ status: 0, err: "" });
  expect(JSON.parse(added.out)).toMatchObject({
    id: "0367",
    timezone: "Europe/Moscow",
    trunks: ["trunk-a", "trunk-b"],
  });
  expect(await rows("SELECT id, name, token, timezone, extensions, trunks FROM enterprises")).toEqual([
    {
      id: "0367",
      name: "Акме",
      token: "t0k",
      timezone: "Europe/Moscow",
      extensions: "^1\\d\\d$",
      trunks: ["trunk-a", "trunk-b"],
    },
  ]);
});

test("an enterprise that exists is not added again, and enterprise set changes only what is given", async () => {
  const again = await run("enterprise", "add", "0367", "--name", "Other", "--token", "x");
  expect(again).toMatchObject({ status: 1, out: "" });
  expect(again.err).toContain("enterprise 0367 exists already");
  expect(await run("enterprise", "set", "0367", "--name", "Acme")).toMatchObject({ status: 0 });
  expect(await run("enterprise", "set", "0367", "--extensions", "")).toMatchObject({ status: 0 });
  expect(await rows("SELECT name, token, extensions FROM enterprises")).toEqual([
    { name: "Acme", token: "t0k", extensions: null },
  ]);
  expect((await run("enterprise", "set", "0367")).err).toContain("nothing to change");
  expect((await run("enterprise", "list")).out).toMatch(/0367 +Acme +Europe\/Moscow +trunk-a,trunk-b +0/);
});

test("site add prints the key once and stores only its hash; rotate keeps the old one for a while; revoke ends all", async () => {
  const added = await run("site", "add", "0367", "--host", "10.88.10.11", "--name", "HQ", "--json");
  expect(added.status).toBe(0);
  const { site, key } = JSON.parse(added.out) as { site: number; key: string };
  expect(key).toMatch(new RegExp(`^rp_${site}_[A-Za-z0-9_-]{43}$`));
  const dump = JSON.stringify(
    await rows("SELECT s.*, encode(key_hash, 'escape') FROM sites s JOIN site_keys ON site_id = s.id"),
  );
  expect(dump).not.toContain(key);
  const stored = "SELECT 1 FROM site_keys WHERE key_hash = sha256(convert_to($1, 'UTF8')) AND expires_at IS NULL";
  expect((await database.pool.query(stored, [key])).rowCount).toBe(1);

  const rotated = JSON.parse((await run("site", "rotate", String(site), "--overlap", "2", "--json")).out) as {
    key: string;
  };
  expect(rotated.key).not.toBe(key);
  const left = await rows(
    "SELECT round(extract(epoch FROM expires_at - now()) / 3600)::int AS hours FROM site_keys ORDER BY id",
  );
  expect(left).toEqual([{ hours: 2 }, { hours: null }]);

  expect((await run("site", "revoke", String(site))).status).toBe(0);
  expect(await rows("SELECT 1 FROM site_keys WHERE revoked_at IS NULL")).toEqual([]);
  expect((await run("site", "list")).out).toMatch(/10\.88\.10\.11 +HQ +never +revoked/);
  expect(await run("site", "rotate", String(site))).toMatchObject({ status: 1 });
});

test("site add refuses an unknown enterprise and a host that is taken, and says what to do", async () => {
  expect((await run("site", "add", "0999", "--host", "h", "--name", "n")).err).toContain("enterprise add 0999");
  const first = JSON.parse((await run("site", "add", "0367", "--host", "h", "--name", "n", "--json")).out) as {
    site: number;
  };
  const second = await run("site", "add", "0367", "--host", "h", "--name", "n");
  expect(second).toMatchObject({ status: 1, out: "" });
  expect(second.err).toContain(`site rotate ${first.site}`);
});

const wrong: [string[], string][] = [
  [[], "Usage: npm run -s server --"],
  [["frobnicate"], "there is no command 'frobnicate'"],
  [["status", "--frob"], "there is no option '--frob'"],
  [["site", "rotate"], "'site' is missing"],
  [["enterprise", "add", "1", "--name", "n"], "the option '--token <token>' is required"],
  [["enterprise", "add", "a b", "--name", "n", "--token", "t"], "id: found 'a b'; allowed: 1 to 64 letters"],
  [
    ["enterprise", "add", "1", "--name", "n", "--token", "t", "--timezone", "Moscow"],
    "found 'Moscow'; allowed: a time zone",
  ],
  [
    ["enterprise", "add", "1", "--name", "n", "--token", "t", "--extensions", "("],
    "found '('; allowed: a regular expression",
  ],
  [
    ["enterprise", "add", "1", "--name", "n", "--token", "t", "--trunks", "a b"],
    "found 'a b'; allowed: names with commas",
  ],
  [["site", "add", "1", "--host", "a b", "--name", "n"], "--host <address>: found 'a b'"],
  [["site", "revoke", "one"], "site: found 'one'; allowed: a whole number from 1"],
  [["calls", "--last", "-1"], "--last <n>: found '-1'; allowed: a whole number from 0 to 10000"],
  [["sql", "SELECT", "1"], "too many arguments (SELECT, 1)"],
  [["status", "--lang", "fr"], "--lang <lang>: found 'fr'; allowed: en, ru"],
];
test.each(wrong)("%j ends with status 64 and says what is wrong", async (args, words) => {
  const outcome = await run(...args);
  expect(outcome).toMatchObject({ status: 64, out: "" });
  expect(outcome.err).toContain(words);
});

test("people read Russian when the locale or --lang says so", async () => {
  const byLocale = await server(["calls"], { env: { DATABASE_URL: database.url, LANG: "ru_RU.UTF-8" } });
  expect(byLocale.out).toBe("звонков пока нет\n");
  expect((await run("calls", "--lang", "ru")).out).toBe("звонков пока нет\n");
  expect((await run("site", "add", "--help", "--lang", "ru")).out).toContain("Использование:");
});

test("every command has help with its options", async () => {
  const help = await run("enterprise", "add", "--help");
  expect(help).toMatchObject({ status: 0, err: "" });
  for (const word of ["--timezone", "--extensions", "--trunks", "--token", "--json", "Examples:", "--data-dir"]) {
    expect(help.out).toContain(word);
  }
});

test("sql prints a table or JSON and says no to everything that writes", async () => {
  expect((await run("sql", "SELECT 1 AS one, 'два' AS two")).out).toBe("one  two\n1    два\n(1 row)\n");
  expect(
    JSON.parse(
      (await run("sql", "SELECT count(*), avg(x), '{\"a\":1}'::jsonb AS j FROM generate_series(1, 2) x", "--json")).out,
    ),
  ).toEqual([{ count: 2, avg: 1.5, j: { a: 1 } }]);
  expect((await run("sql", "/* a comment */ -- another\n(SELECT 7 AS n)")).out).toContain("7");
  expect((await run("sql", "EXPLAIN SELECT 1")).out).toContain("Result");
  const writes = [
    "DELETE FROM enterprises",
    "WITH gone AS (DELETE FROM enterprises RETURNING 1) SELECT * FROM gone",
    "SELECT 1; DELETE FROM enterprises",
    "COMMIT; DELETE FROM enterprises",
    "SELECT 1) TO '/tmp/x'; DELETE FROM enterprises; --",
    "COPY enterprises TO PROGRAM 'true'",
    "COPY enterprises TO '/tmp/ringpost-copied'",
    "SELECT setval('sites_id_seq', 99)",
    "SELECT pg_read_file('postgresql.conf')",
    "DO $$ BEGIN DELETE FROM enterprises; END $$",
  ];
  for (const sql of writes) {
    const outcome = await run("sql", sql);
    expect({ sql, ...outcome }).toMatchObject({ sql, status: 1, out: "" });
    expect(`${sql}: ${outcome.err}`).toContain("PostgreSQL says:");
  }
  expect(await rows("SELECT id FROM enterprises")).toEqual([{ id: "0367" }]);
});

test("sql stops a statement that takes too long, and an answer that is too big is cut with a word", async () => {
  const slow = await run("sql", "SELECT pg_sleep(20)", "--timeout", "1");
  expect(slow).toMatchObject({ status: 1 });
  expect(slow.err).toContain("statement timeout");
  const big = await run("sql", "SELECT 1 FROM generate_series(1, 50000) a, generate_series(1, 50000) b", "--json");
  expect(JSON.parse(big.out)).toHaveLength(10_000);
  expect(big.err).toContain("only the first 10000 rows");
});

test("migrate is done when nothing is left to do, and a database that does not answer is told in plain words", async () => {
  expect((await run("migrate")).out).toBe("the database is up to date\n");
  const away = await server(["status"], { env: { DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/x" } });
  expect(away).toMatchObject({ status: 1, out: "" });
  expect(away.err).toContain("cannot connect to the database (127.0.0.1:1/x)");
  expect(away.err).not.toContain("hunter2");
});

test("on an empty database a command brings the schema itself, and migrate says what it ran", async () => {
  const empty = await testDatabase({ empty: true });
  try {
    const migrated = await server(["migrate", "--json"], { env: { DATABASE_URL: empty.url } });
    const { migrations } = JSON.parse(migrated.out) as { migrations: string[] };
    expect(migrations.length).toBeGreaterThan(3);
  } finally {
    await empty.drop();
  }
  const another = await testDatabase({ empty: true });
  try {
    const added = await server(["enterprise", "add", "1", "--name", "n", "--token", "t"], {
      env: { DATABASE_URL: another.url },
    });
    expect(added).toMatchObject({ status: 0, err: "" });
  } finally {
    await another.drop();
  }
});
