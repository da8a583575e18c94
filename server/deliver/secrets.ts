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

const ANEW = "Start with the RINGPOST_SECRET_KEY it was sealed with, or set the secret anew.";

export interface VaultKeys {
  /** RINGPOST_SECRET_KEY; undefined: the vault seals and opens nothing, and says so. */
  secretKey: string | undefined;
  /** RINGPOST_SECRET_KEY_BEFORE: opens what the other cannot, while keys are changed. */
  secretKeyBefore?: string | undefined;
}

export function openVault({ secretKey, secretKeyBefore }: VaultKeys): Vault {
  const key = derived(() => present(secretKey));
  const keyBefore = derived(() => present(secretKeyBefore));
  return {
    seal(plain, owner) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key(), iv).setAAD(Buffer.from(owner));
      const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
      return PREFIX + Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64");
    },
    open(sealed, owner) {
      const keys = secretKeyBefore === undefined ? [key()] : [key(), keyBefore()];
      for (const one of keys) {
        const plain = tryOpen(sealed, owner, one);
        if (plain !== undefined) return plain;
      }
      throw unreadable("it was sealed with another key, or for another owner", owner, ANEW);
    },
  };
}

/** The vault of whoever runs with this environment. */
export function vaultOf(env: Readonly<Record<string, string | undefined>>): Vault {
  const [secretKey, secretKeyBefore] = [env["RINGPOST_SECRET_KEY"], env["RINGPOST_SECRET_KEY_BEFORE"]];
  return openVault({ secretKey: secretKey || undefined, secretKeyBefore: secretKeyBefore || undefined });
}

/** Every sealed text in `value` (an enterprise's settings), sealed anew with the vault's present key. */
export function resealAll<T>(value: T, owner: string, vault: Vault): { value: T; count: number } {
  let count = 0;
  const reseal = (text: string): string => {
    count++;
    return vault.seal(vault.open(text, owner), owner);
  };
  const json = JSON.stringify(value, (_, one: unknown) =>
    typeof one === "string" && one.startsWith(PREFIX) ? reseal(one) : one,
  );
  return { value: JSON.parse(json) as T, count };
}

/** Deriving is slow on purpose: once. */
function derived(secret: () => string): () => Buffer {
  let key: Buffer | undefined;
  return () => (key ??= scryptSync(secret(), "ringpost secrets", 32));
}

function tryOpen(sealed: string, owner: string, key: Buffer): string | undefined {
  if (!sealed.startsWith(PREFIX)) return undefined;
  const bytes = Buffer.from(sealed.slice(PREFIX.length), "base64");
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES }).setAAD(
      Buffer.from(owner),
    );
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
}

function present(secretKey: string | undefined): string {
  if (secretKey !== undefined && secretKey.length >= KEY_LENGTH_MIN) return secretKey;
  throw unreadable(
    "RINGPOST_SECRET_KEY is not set",
    "the database",
    `Set it, the same for every server and command: at least ${KEY_LENGTH_MIN} characters, for instance from: openssl rand -base64 32.`,
  );
}

function unreadable(found: string, on: string, next: string): RingpostError {
  return new RingpostError({
    code: "secret_unreadable",
    attempted: "seal or open a secret",
    on,
    found,
    retry: "no",
    next,
  });
}
