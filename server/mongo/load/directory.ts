import type { ClientBase } from "pg";
import type { Directory, EnterpriseMap } from "../map/enterprise.ts";
import type { EnterpriseEntry } from "../map/types.ts";

interface EnterpriseRecord {
  id: string;
  token: string;
  timezone: string;
  hosts: string[];
}

/** The customers documents may belong to, as they are registered now. */
export async function readDirectory(
  client: ClientBase,
  map: EnterpriseMap,
  make: { timezone: string } | undefined,
): Promise<Directory> {
  const { rows } = await client.query<EnterpriseRecord>(
    `SELECT e.id, e.token, e.timezone, coalesce(array_agg(s.host) FILTER (WHERE s.id IS NOT NULL), '{}') AS hosts
     FROM enterprises e LEFT JOIN sites s ON s.enterprise_id = e.id GROUP BY e.id ORDER BY e.id`,
  );
  return { enterprises: new Map(rows.map((row) => [row.id, row])), tokens: tokensOf(rows), map, make };
}

function tokensOf(enterprises: readonly EnterpriseEntry[]): Map<string, string> {
  const owners = Map.groupBy(enterprises, ({ token }) => token);
  const sole = [...owners].filter(([token, all]) => token !== "" && all.length === 1);
  return new Map(sole.map(([token, [only]]) => [token, only?.id ?? ""]));
}

/** Registers the customers that documents brought along (rule `enterprise_made`). */
export async function makeEnterprises(client: ClientBase, enterprises: readonly EnterpriseEntry[]): Promise<void> {
  if (enterprises.length === 0) return;
  await client.query(
    `INSERT INTO enterprises (id, name, token, timezone)
     SELECT id, id, token, zone FROM unnest($1::text[], $2::text[], $3::text[]) AS e (id, token, zone)
     ON CONFLICT (id) DO NOTHING`,
    [enterprises.map((one) => one.id), enterprises.map((one) => one.token), enterprises.map((one) => one.timezone)],
  );
}
