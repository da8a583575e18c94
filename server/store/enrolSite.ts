import type { Pool, PoolClient } from "pg";
import { makeSiteKey } from "../ingest/site-key.ts";
import { inTransaction } from "./transaction.ts";

export type Enrolled =
  | { site: number; key: string; enterprise: string; host: string }
  | { refused: "unknown" | "used" | "expired" };

/** Keys an agent had on this PBX before stay good for this long after another one enrols for it. */
const OVERLAP_HOURS = 24;

interface InviteRow {
  id: string;
  enterprise_id: string;
  host: string;
  name: string;
  used: boolean;
  expired: boolean;
}

/** Exchanges a code for a site key, once. The site is made when this PBX has none. */
export function enrolSite(pool: Pool, codeHash: Buffer): Promise<Enrolled> {
  return inTransaction(pool, async (client): Promise<Enrolled> => {
    const found = await client.query<InviteRow>(
      `SELECT id, enterprise_id, host, name, used_at IS NOT NULL AS used, expires_at <= now() AS expired
       FROM site_invites WHERE code_hash = $1 FOR UPDATE`,
      [codeHash],
    );
    const invite = found.rows[0];
    if (invite === undefined) return { refused: "unknown" };
    if (invite.used || invite.expired) return { refused: invite.used ? "used" : "expired" };
    const site = await siteFor(client, invite);
    const { key, hash } = makeSiteKey(site);
    await client.query("INSERT INTO site_keys (site_id, key_hash) VALUES ($1, $2)", [site, hash]);
    await client.query("UPDATE site_invites SET used_at = now(), site_id = $2 WHERE id = $1", [invite.id, site]);
    return { site, key, enterprise: invite.enterprise_id, host: invite.host };
  });
}

async function siteFor(client: PoolClient, { enterprise_id, host, name }: InviteRow): Promise<number> {
  await client.query("SELECT 1 FROM enterprises WHERE id = $1 FOR UPDATE", [enterprise_id]);
  const known = await client.query<{ id: number }>(
    "SELECT id FROM sites WHERE enterprise_id = $1 AND host = $2 AND revoked_at IS NULL",
    [enterprise_id, host],
  );
  if (known.rows[0] === undefined) {
    const added = await client.query<{ id: number }>(
      "INSERT INTO sites (enterprise_id, host, name) VALUES ($1, $2, $3) RETURNING id",
      [enterprise_id, host, name],
    );
    return added.rows[0]?.id ?? 0;
  }
  await client.query(
    `UPDATE site_keys SET expires_at = least(expires_at, now() + make_interval(secs => $2 * 3600))
     WHERE site_id = $1 AND revoked_at IS NULL`,
    [known.rows[0].id, OVERLAP_HOURS],
  );
  return known.rows[0].id;
}
