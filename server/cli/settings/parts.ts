import { namesPart } from "./names.ts";
import type { SettingsPart } from "./part.ts";
import { telegramPart } from "./telegram.ts";
import { webhookPart } from "./webhook.ts";

/** Everything beside name, token, time zone, extensions and trunks. */
export const SETTINGS_PARTS: readonly SettingsPart[] = [webhookPart, telegramPart, namesPart];
