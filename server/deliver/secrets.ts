import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { RingpostError } from "../../shared/errors.ts";

const PREFIX = "sealed:1:";
const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_LENGTH_MIN = 16;

/** Seals and opens what must not stand readable in the database. `owner` is bound in: a copy under another owner does not open. */
export interface Vault {
  seal(plain: string, owner: string): string;
  /** @throws RingpostError `secret_unreadable`. */
  open(sealed: string, owner: string): string;
}

/** A vault with the key from RINGPOST_SECRET_KEY; without one it seals and opens nothing and says so. */
export function openVault(secretKey: string | undefined): Vault {
  let key: Buffer | undefined;
  const derived = (): Buffer => (key ??= scryptSync(present(secretKey), "ringpost secrets", 32));
  return {
    seal(plain, owner) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, derived(), iv).setAAD(Buffer.from(owner));
      const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
      return PREFIX + Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64");
    },
    open(sealed, owner) {
      const from = derived();
      try {
        if (!sealed.startsWith(PREFIX)) throw new Error("it is not sealed");
        const bytes = Buffer.from(sealed.slice(PREFIX.length), "base64");
        const decipher = createDecipheriv(CIPHER, from, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(owner));
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
      } catch (cause) {
        throw unreadable("it was sealed with another key, or for another owner", owner, cause);
      }
    },
  };
}

function present(secretKey: string | undefined): string {
  if (secretKey !== undefined && secretKey.length >= KEY_LENGTH_MIN) return secretKey;
  throw unreadable("RINGPOST_SECRET_KEY is not set", "the database");
}

function unreadable(found: string, on: string, cause?: unknown): RingpostError {
  return new RingpostError({
    code: "secret_unreadable",
    attempted: "seal or open a secret",
    on,
    found,
    retry: "no",
    next: `Start with the RINGPOST_SECRET_KEY it was sealed with (at least ${KEY_LENGTH_MIN} characters), or set the secret anew.`,
    cause,
  });
}
