const NAMED: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text from a PBX as Telegram's HTML shows it: nothing in it is markup, turns the writing round or breaks the line. */
export function escapeHtml(text: string): string {
  const plain = text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0\ufffe\uffff]/gu, " ");
  return plain.toWellFormed().replace(/[&<>"]/g, (char) => NAMED[char] ?? char);
}

/** The same, cut to so many characters. */
export function clipped(text: string, charsMax: number): string {
  const chars = [...text];
  return escapeHtml(chars.length <= charsMax ? text : `${chars.slice(0, charsMax - 1).join("")}…`);
}

/** Puts values (already escaped) into a template's `{names}`; a value is never read as a template. */
export function fill(template: string, values: Readonly<Record<string, string>> = {}): string {
  return template.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
}
