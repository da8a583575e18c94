import { createHash } from "node:crypto";

/**
 * The stream a file's rows belong to: the same whenever and by whatever agent of the site it is computed, so that a file
 * read again, rotated, or read after the outbox was lost doubles nothing.
 */
export function streamOf(site: string, kind: string, first: string | Uint8Array): string {
  const hash = createHash("sha256").update(`ringpost ${site} ${kind} `).update(first).digest();
  // The form of a UUID of version 8, whose bits are the maker's own.
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
