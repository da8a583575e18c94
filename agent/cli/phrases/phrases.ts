import { type ConfigurationError, messageOf, RingpostError } from "../../../shared/errors.ts";
import { harmless } from "../format.ts";
import type { Language } from "../texts.ts";
import { AMI_PHRASES } from "./ami.ts";
import { COMMAND_PHRASES } from "./commands.ts";
import { DOCTOR_PHRASES } from "./doctor.ts";
import { tell, type Told } from "./phrase.ts";
import { SERVER_PHRASES } from "./server.ts";
import { SETTING_PHRASES } from "./settings.ts";
import { SYSTEM_PHRASES } from "./system.ts";

const ALL = [
  ...AMI_PHRASES,
  ...SERVER_PHRASES,
  ...SYSTEM_PHRASES,
  ...COMMAND_PHRASES,
  ...SETTING_PHRASES,
  ...DOCTOR_PHRASES,
];

/** A text the agent, Asterisk, the server or the system said in English, in a person's language, short; and what to do. */
export function say(text: string, language: Language): Told {
  return tell(harmless(text), language, ALL);
}

/** What a command could not do, on one line. */
export function sayError(error: unknown, language: Language): string {
  if (!(error instanceof RingpostError)) {
    const { text, next: advice } = say(messageOf(error), language);
    return advice === undefined ? text : `${text}. ${advice}`;
  }
  const { attempted, on, found, next } = error.failure;
  const [what, where, why, how] = [attempted, on, found, next].map((text) => say(text, language).text);
  return language === "ru"
    ? `Не удалось ${what} (${where}): ${why}. ${how}`
    : `cannot ${what} (${where}): ${why}. ${how}`;
}

/** Every setting that cannot be used, one on a line, with what to do where that is known. */
export function saySettings({ problems }: ConfigurationError, language: Language): string[] {
  return problems.flatMap(({ setting, found, allowed }) => {
    const [name, was, may] = [setting, found, allowed].map((text) => say(text, language).text);
    const { next } = say(found, language);
    const line =
      language === "ru" ? `  ${name}: указано ${was}; допустимо: ${may}` : `  ${name}: found ${was}; allowed: ${may}`;
    return next === undefined ? [line] : [line, `    -> ${next}`];
  });
}
