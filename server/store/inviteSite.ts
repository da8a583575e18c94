import type { Pool } from "pg";
import { hashInviteCode, makeInviteCode } from "../ingest/invite-code.ts";
import type { NewSite } from "./addSite.ts";

export interface Invite {
  /** Shown to the operator once, never stored. */
  code: string;
  expiresAt: Date;
}

/** Makes a one-use enrolment code for a PBX that need not be a site yet. Returns undefined when there is no such enterprise. */
export async function inviteSite(pool: Pool, site: NewSite, validHours: number): Promise<Invite | undefined> {
  const code = makeInviteCode();
  const { rows } = await pool.query<{ expires_at: Date }>(
    `INSERT INTO site_invites (enterprise_id, host, name, code_hash, expires_at)
     SELECT id, $2, $3, $4, now() + make_interval(secs => $5 * 3600) FROM enterprises WHERE id = $1
     RETURNING expires_at`,
    [site.enterpriseId, site.host, site.name, hashInviteCode(code), validHours],
  );
  return rows[0] && { code, expiresAt: rows[0].expires_at };
}
