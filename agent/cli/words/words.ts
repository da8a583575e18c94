import type { Language } from "../texts.ts";
import { en, type Words } from "./en.ts";
import { ru } from "./ru.ts";

export type { Words } from "./en.ts";
export const WORDS: Record<Language, Words> = { en, ru };
