import { randomBytes } from "node:crypto";
import { STEP_TYPES } from "../../../shared/call.ts";
import { Refused } from "../context.ts";
import type { Messages } from "../messages.ts";
import { flagOf, isTable, listOf, refuseSetting, type SettingsPart, type SettingsTools } from "./part.ts";

/** One of `settings.integrations`; `secret` is sealed. */
interface StoredWebhook {
  name: string;
  url: string;
  events: string[];
  secret: string;
  allow_private?: boolean;
  allow_redirects?: boolean;
}

const SECRET = /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/;
const secretBytes = 32;
const FLAGS = ["allow_private", "allow_redirects"] as const;
const FIELDS = ["url", "events", "secret", ...FLAGS];

/** `webhook.crm.url=https://...`, `.events=start,hangup`, `.secret=new`, `.allow_private=yes`, `.allow_redirects=yes`; `webhook.crm=off`. */
export const webhookPart: SettingsPart = {
  name: "webhook",
  allowed: (say) => say.allowedWebhookSetting,
  change(before, given, tools) {
    if (!isTable(given)) return refuseSetting(tools.say, "webhook", tools.say.allowedWebhookSetting);
    let webhooks = webhooksOf(before);
    for (const [name, table] of Object.entries(given)) {
      const known = webhooks.find((one) => one.name === name);
      const changed = table === "off" ? [] : [changeOne(name, known, table, tools)];
      webhooks = [...webhooks.filter((one) => one.name !== name), ...changed];
    }
    return { ...before, integrations: webhooks };
  },
  tell(settings) {
    const webhooks = webhooksOf(settings).map(({ name, ...rest }) => [name, rest]);
    return webhooks.length === 0 ? undefined : Object.fromEntries(webhooks);
  },
};

function webhooksOf({ integrations }: { integrations?: unknown }): StoredWebhook[] {
  return Array.isArray(integrations) ? (integrations as StoredWebhook[]) : [];
}

function changeOne(
  name: string,
  known: StoredWebhook | undefined,
  table: unknown,
  tools: SettingsTools,
): StoredWebhook {
  const { say } = tools;
  const where = `webhook.${name}`;
  const wrong = (at: string): never => refuseSetting(say, at, say.allowedWebhookSetting);
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(name) || !isTable(table)) return wrong(where);
  const unknown = Object.keys(table).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return wrong(`${where}.${unknown}`);
  const url = table["url"] ?? known?.url ?? refuseUrl(say.webhookNeedsUrl(name));
  const events = table["events"] === undefined ? (known?.events ?? ["hangup"]) : listOf(table["events"]);
  if (!isUrl(url)) return wrong(`${where}.url`);
  if (events === undefined || events.length === 0 || !events.every(isStep)) return wrong(`${where}.events`);
  const flags = FLAGS.map((field) => {
    const flag = table[field] === undefined ? known?.[field] : (flagOf(table[field]) ?? wrong(`${where}.${field}`));
    return flag === undefined ? {} : { [field]: flag };
  });
  const given = table["secret"] ?? (known === undefined ? "new" : undefined);
  const secret = given === undefined ? known!.secret : sealSecret(name, given, known, tools);
  return Object.assign({ name, url, events, secret }, ...flags) as StoredWebhook;
}

function sealSecret(name: string, given: unknown, known: StoredWebhook | undefined, tools: SettingsTools): string {
  const make = () => madeSecret(name, tools.say, tools.note);
  return tools.secret(`webhook.${name}.secret`, given, { shape: SECRET, before: known?.secret, make });
}

function madeSecret(name: string, say: Messages, note: SettingsTools["note"]): string {
  const secret = `whsec_${randomBytes(secretBytes).toString("base64")}`;
  note(say.webhookSecret(name, secret));
  return secret;
}

function refuseUrl(why: string): never {
  throw new Refused(why);
}

function isUrl(value: unknown): value is string {
  if (typeof value !== "string" || !/^https?:\/\//.test(value) || !URL.canParse(value)) return false;
  // A password in an address would stand readable in the database.
  const { username, password } = new URL(value);
  return username === "" && password === "";
}

function isStep(name: string): boolean {
  return STEP_TYPES.some((type) => type === name);
}
