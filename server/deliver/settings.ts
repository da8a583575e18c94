import { STEP_TYPES, type StepType } from "../../shared/call.ts";
import type { DeliverySettings } from "./rules.ts";

const DOWNLOADED_HANGUP_AGE_SECONDS = 3600;

/**
 * Reads `enterprises.settings`: `{"telegram": {"enabled": true, "downloaded_hangup_age_max_seconds": 3600},
 * "integrations": [{"events": ["hangup"]}]}`. What is absent or of another shape means "not asked for".
 */
export function readDeliverySettings(settings: unknown): DeliverySettings {
  const telegram = field(settings, "telegram");
  const age = field(telegram, "downloaded_hangup_age_max_seconds");
  const integrations = field(settings, "integrations");
  return {
    telegram: field(telegram, "enabled") === true,
    integrationSteps: new Set(Array.isArray(integrations) ? integrations.flatMap(stepsOf) : []),
    downloadedHangupAgeMsMax: (typeof age === "number" && age >= 0 ? age : DOWNLOADED_HANGUP_AGE_SECONDS) * 1000,
  };
}

function stepsOf(integration: unknown): StepType[] {
  const events = field(integration, "events");
  return Array.isArray(events) ? STEP_TYPES.filter((type) => events.includes(type)) : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
