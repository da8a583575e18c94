import { stringify } from "smol-toml";
import { SETTINGS, type Settings } from "../settings.ts";
import type { Setting } from "../../shared/options.ts";

/** The settings in force, with a word in place of each secret. */
export function withoutSecrets(settings: Settings, hidden: string): Record<string, Record<string, unknown>> {
  const schema: Record<string, Record<string, Setting<unknown>>> = SETTINGS;
  return Object.fromEntries(
    Object.entries(settings).map(([section, values]) => [
      section,
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          schema[section]?.[name]?.secret === true ? hidden : value,
        ]),
      ),
    ]),
  );
}

export function viewSettings(settings: Settings, hidden: string): string {
  return stringify(withoutSecrets(settings, hidden)).trimEnd();
}
