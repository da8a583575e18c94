import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Pool } from "pg";
import { STEP_TYPES } from "../../shared/call.ts";
import { messageOf } from "../../shared/errors.ts";
import { openVault } from "../deliver/secrets.ts";
import { changeIntegrations, type StoredIntegration } from "../store/changeIntegrations.ts";
import { Refused, type Context } from "./context.ts";
import type { Messages } from "./messages.ts";

/** What is to become of one webhook; absent stays as it is. */
interface WebhookChange {
  off?: true;
  url?: string;
  events?: string[];
  /** In the clear; "new": made here. */
  secret?: string;
  allow_private?: boolean;
}

const WORD = /^webhook\.(?<name>[A-Za-z0-9_-]{1,40})(?:\.(?<field>url|events|secret|allow_private))?=(?<value>.+)$/;
const secretBytes = 32;

/** `webhook.crm.url=https://...` and the like, by name. A secret never stands on the command line: `new`, or `@FILE`. */
export function readWebhookWords(words: readonly string[], say: Messages): Map<string, WebhookChange> {
  const changes = new Map<string, WebhookChange>();
  for (const word of words) {
    const { name, field, value } = WORD.exec(word)?.groups ?? {};
    const read = name === undefined || value === undefined ? undefined : readValue(field, value, say);
    // Not shown beyond the name: a secret may be in it.
    if (name === undefined || read === undefined) {
      throw new Refused(say.wrongWebhookSetting(word.split("=")[0] ?? "", say.allowedWebhookSetting));
    }
    changes.set(name, { ...changes.get(name), ...read });
  }
  return changes;
}

function readValue(field: string | undefined, value: string, say: Messages): WebhookChange | undefined {
  switch (field) {
    case undefined:
      return value === "off" ? { off: true } : undefined;
    case "url":
      return URL.canParse(value) && /^https?:\/\//.test(value) ? { url: value } : undefined;
    case "events": {
      const events = value.split(",");
      return events.every((event) => STEP_TYPES.some((type) => type === event)) ? { events } : undefined;
    }
    case "allow_private":
      return /^(yes|no)$/.test(value) ? { allow_private: value === "yes" } : undefined;
    default:
      return readSecret(value, say);
  }
}

function readSecret(value: string, say: Messages): WebhookChange | undefined {
  if (value === "new") return { secret: "new" };
  if (!value.startsWith("@")) return undefined;
  try {
    const secret = readFileSync(value.slice(1), "utf8").trim();
    return /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret) ? { secret } : undefined;
  } catch (error) {
    throw new Refused(say.cannotRead(value.slice(1), messageOf(error)));
  }
}

/** Stores the changes; returns the secrets that were made here, to be shown once. */
export async function setWebhooks(
  { io, say }: Context,
  pool: Pool,
  enterpriseId: string,
  changes: ReadonlyMap<string, WebhookChange>,
): Promise<{ name: string; secret: string }[]> {
  if (changes.size === 0) return [];
  const vault = openVault(io.env["RINGPOST_SECRET_KEY"]);
  const made: { name: string; secret: string }[] = [];
  const change = (before: readonly StoredIntegration[]): StoredIntegration[] => {
    const kept = before.filter(({ name }) => !changes.has(name));
    const changed = [...changes].flatMap(([name, { off, secret, ...rest }]) => {
      if (off === true) return [];
      const known = before.find((one) => one.name === name);
      if (known === undefined && rest.url === undefined) throw new Refused(say.webhookNeedsUrl(name));
      const plain = secret === "new" || (secret === undefined && known === undefined) ? newSecret() : secret;
      if (plain !== undefined && plain !== secret) made.push({ name, secret: plain });
      const sealed = plain === undefined ? {} : { secret: vault.seal(plain, enterpriseId) };
      return [{ events: ["hangup"], ...known, ...rest, ...sealed, name }];
    });
    return [...kept, ...changed];
  };
  if (!(await changeIntegrations(pool, enterpriseId, change))) throw new Refused(say.noEnterprise(enterpriseId));
  return made;
}

function newSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString("base64")}`;
}
