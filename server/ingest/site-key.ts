import { createHash, randomBytes } from "node:crypto";

/** Long enough that guessing is hopeless, so a plain SHA-256 is a sufficient hash of it. */
const SECRET_BYTES = 32;
const KEY_FORMAT = /^rp_([1-9]\d{0,8})_[A-Za-z0-9_-]{43}$/;

export interface SiteKey {
  /** `rp_<site>_<secret>`; shown to the operator once, never stored. */
  key: string;
  /** What `site_keys.key_hash` holds: 32 bytes. */
  hash: Buffer;
}

/** A new key for a site. */
export function makeSiteKey(siteId: number, random: (size: number) => Buffer = randomBytes): SiteKey {
  const key = `rp_${siteId}_${random(SECRET_BYTES).toString("base64url")}`;
  return { key, hash: hashSiteKey(key) };
}

/** SHA-256 of the whole key. */
export function hashSiteKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** The site a key claims to be of, or undefined when it does not look like a key at all. */
export function siteOfKey(key: string): number | undefined {
  const match = KEY_FORMAT.exec(key);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
