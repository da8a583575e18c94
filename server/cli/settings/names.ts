import { isTable, refuseSetting, type SettingsPart } from "./part.ts";

interface Person {
  name?: string;
  department?: string;
}

/** Who is at which extension: `names.150=Reception`, `names.150.department=Front office`, `names.150=off`. */
export const namesPart: SettingsPart = {
  name: "names",
  allowed: (say) => say.allowedNameSetting,
  change(before, given, { say }) {
    const names = { ...(isTable(before["names"]) ? before["names"] : {}) };
    const wrong = (where: string) => refuseSetting(say, where, say.allowedNameSetting);
    if (!isTable(given)) return wrong("names");
    for (const [extension, who] of Object.entries(given)) {
      if (who === "off") {
        delete names[extension];
        continue;
      }
      const person = typeof who === "string" ? { name: who } : who;
      if (!isTable(person) || !isPerson(person)) return wrong(`names.${extension}`);
      const known = names[extension];
      names[extension] = { ...(isTable(known) ? known : {}), ...person };
    }
    return { ...before, names };
  },
  tell: ({ names }) => (isTable(names) && Object.keys(names).length > 0 ? names : undefined),
};

function isPerson(value: Record<string, unknown>): value is Person & Record<string, unknown> {
  return Object.entries(value).every(
    ([field, text]) => (field === "name" || field === "department") && typeof text === "string" && text.trim() !== "",
  );
}
