import { readFileSync } from "node:fs";
import { messageOf } from "../../../shared/errors.ts";
import { vaultOf, type Vault } from "../../deliver/secrets.ts";
import { Refused, type Context } from "../context.ts";
import { refuseSetting, type SecretShape, type Settings, type SettingsTools } from "./part.ts";
import { SETTINGS_PARTS } from "./parts.ts";

/** Where settings come from: a file may have secrets in the clear, a command line never. */
export type SettingsSource = "words" | "file";

/** Settings changed by what was given for each part, and what is to be shown once. @throws Refused */
export function changeSettings(
  context: Context,
  enterpriseId: string,
  before: Settings,
  given: Readonly<Record<string, unknown>>,
  source: SettingsSource,
): { settings: Settings; notes: string[] } {
  const notes: string[] = [];
  const tools = toolsFor(context, enterpriseId, source, notes);
  let settings = before;
  for (const [name, table] of Object.entries(given)) {
    const part = SETTINGS_PARTS.find((one) => one.name === name);
    if (part === undefined) throw new Refused(context.say.notASetting(name));
    settings = part.change(settings, table, tools);
  }
  return { settings, notes };
}

function toolsFor({ io, say }: Context, owner: string, source: SettingsSource, notes: string[]): SettingsTools {
  const vault = vaultOf(io.env);
  const opened = (sealed: string) => {
    try {
      return vault.open(sealed, owner);
    } catch (error) {
      throw new Refused(messageOf(error));
    }
  };
  const plainOf = (where: string, given: string, { before, make }: SecretShape): string => {
    if (given === "new" && make !== undefined)
      return source === "file" && before !== undefined ? opened(before) : make();
    if (given.startsWith("@")) return readSecret(given.slice(1), say.cannotRead);
    if (given.startsWith("sealed:")) return opened(given);
    return source === "file" ? given : refuseSetting(say, where, say.secretNotInWords);
  };
  return {
    say,
    note: (line) => void notes.push(line),
    secret(where, given, secret) {
      if (typeof given !== "string") return refuseSetting(say, where, say.allowedSecret);
      if (given === secret.before) return given;
      const plain = plainOf(where, given, secret);
      if (!secret.shape.test(plain)) return refuseSetting(say, where, say.allowedSecret);
      // Sealed anew it would look changed.
      const before = secret.before === undefined ? undefined : readable(secret.before, vault, owner);
      return before === plain ? secret.before! : vault.seal(plain, owner);
    },
  };
}

/** Undefined when it was sealed with another key: then it is replaced. */
function readable(sealed: string, vault: Vault, owner: string): string | undefined {
  try {
    return vault.open(sealed, owner);
  } catch {
    return undefined;
  }
}

function readSecret(path: string, cannotRead: (file: string, why: string) => string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new Refused(cannotRead(path, messageOf(error)));
  }
}
