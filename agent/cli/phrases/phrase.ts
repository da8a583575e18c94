import type { Language } from "../texts.ts";

/** A text in each language; `$1`, `$2` stand for what the pattern found, said in that language too. */
export type Said = Readonly<Record<Language, string>>;

/**
 * What the agent, the system or Asterisk says in its own English words (the log and `--json` keep them), as a person is
 * told it. `next`: what to do about just this, better than the general advice.
 */
export interface Phrase {
  looks: RegExp;
  said: Said;
  next?: Said;
}

/** `en` may be left out where the text found is good as it is. */
export function phrase(looks: RegExp, en: string | null, ru: string, next?: readonly [en: string, ru: string]): Phrase {
  const said = { en: en ?? "$&", ru };
  return next === undefined ? { looks, said } : { looks, said, next: { en: next[0], ru: next[1] } };
}

export interface Told {
  text: string;
  next: string | undefined;
}

const DEPTH_MAX = 4;

/** Says a text in a language by the first phrase that fits; a text nobody foresaw stays as it is. */
export function tell(text: string, language: Language, phrases: readonly Phrase[], depth = 0): Told {
  const fits = depth < DEPTH_MAX ? phrases.find(({ looks }) => looks.test(text)) : undefined;
  if (fits === undefined) return { text, next: undefined };
  const found = fits.looks.exec(text) ?? [];
  const parts = found.slice(1).map((part: string | undefined) => tell(part ?? "", language, phrases, depth + 1));
  const said = fits.said[language].replaceAll(/\$([1-9&])/g, (_, which: string) =>
    which === "&" ? text : (parts[Number(which) - 1]?.text ?? ""),
  );
  const next = parts.find((part) => part.next !== undefined)?.next ?? fits.next?.[language];
  return { text: said.trim(), next };
}
