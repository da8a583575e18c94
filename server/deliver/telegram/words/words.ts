import { en } from "./en.ts";
import { ru } from "./ru.ts";
import { uk } from "./uk.ts";
import type { Language } from "../settings.ts";
import type { CardWords } from "./card-words.ts";

export const CARD_WORDS: Readonly<Record<Language, CardWords>> = { en, ru, uk };
