import { stripVTControlCharacters } from "node:util";

/** A number keeps its unit. */
const UNIT = /(\d) (?=(?:[KMG]B|min|ms|[smhd]|мин|мс|[счд])(?:[\s,.;:)]|$))/g;

/** Text on lines of at most `columns`, those after the first begun with `indent` spaces; words are never cut. */
export function wrap(text: string, columns: number, indent: number): string {
  const [first = "", ...words] = text.replaceAll(UNIT, "$1\u00a0").split(" ");
  const lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1) ?? ""} ${word}`;
    const room = columns - (lines.length > 1 ? indent : 0);
    if (stripVTControlCharacters(longer).length > room) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.join(`\n${" ".repeat(indent)}`).replaceAll("\u00a0", " ");
}
