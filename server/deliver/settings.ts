import { STEP_TYPES, type StepType } from "../../shared/call.ts";
import type { DeliverySettings, Integration } from "./rules.ts";
import { readTelegramSettings } from "./telegram/settings.ts";

const DOWNLOADED_HANGUP_AGE_SECONDS = 3600;

/**
 * Reads `enterprises.settings`: `{"telegram": {"enabled": true, "downloaded_hangup_age_max_seconds": 3600, ...},
 * "integrations": [{"name": "crm", "url": "https://...", "events": ["hangup"]}]}`. What is absent or of another shape means
 * "not asked for"; an integration without a name and an address cannot be told anything.
 */
export function readDeliverySettings(settings: unknown): DeliverySettings {
  const telegram = field(settings, "telegram");
  const age = field(telegram, "downloaded_hangup_age_max_seconds");
  const integrations = integrationsOf(settings);
  const cards = readTelegramSettings(settings);
  return {
    telegram: cards !== null,
    chats: cards?.chats ?? [],
    callbackMsMax: cards?.callbackMsMax ?? 0,
    integrationSteps: new Set(integrations.flatMap(({ steps }) => [...steps])),
    integrations,
    downloadedHangupAgeMsMax: (typeof age === "number" && age >= 0 ? age : DOWNLOADED_HANGUP_AGE_SECONDS) * 1000,
  };
}

/** Everything that is needed to reach a webhook. `secret` is sealed (secrets.ts). */
export interface Endpoint {
  url: string;
  secret: string;
  allowPrivate: boolean;
  allowRedirects: boolean;
}

/** The endpoint of that name; undefined when the enterprise no longer has it. */
export function readEndpoint(settings: unknown, name: string): Endpoint | undefined {
  const found = listOf(settings).find((one) => field(one, "name") === name);
  const [url, secret] = [field(found, "url"), field(found, "secret")];
  if (typeof url !== "string" || typeof secret !== "string") return undefined;
  const [allowPrivate, allowRedirects] = [field(found, "allow_private"), field(found, "allow_redirects")];
  return { url, secret, allowPrivate: allowPrivate === true, allowRedirects: allowRedirects === true };
}

function integrationsOf(settings: unknown): Integration[] {
  return listOf(settings).flatMap((one) => {
    const [name, url] = [field(one, "name"), field(one, "url")];
    return typeof name === "string" && typeof url === "string" ? [{ name, steps: new Set(stepsOf(one)) }] : [];
  });
}

function listOf(settings: unknown): unknown[] {
  const integrations = field(settings, "integrations");
  return Array.isArray(integrations) ? integrations : [];
}

function stepsOf(integration: unknown): StepType[] {
  const events = field(integration, "events");
  return Array.isArray(events) ? STEP_TYPES.filter((type) => events.includes(type)) : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
