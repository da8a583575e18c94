import type { Paint } from "./paint.ts";
import type { Language, Texts } from "./texts.ts";
import type { Words } from "./words/words.ts";

/** What a person is talked to with. */
export interface Voice {
  language: Language;
  texts: Texts;
  words: Words;
  paint: Paint;
  /** Of the terminal; infinite when what is said is not read on one. */
  columns: number;
}
