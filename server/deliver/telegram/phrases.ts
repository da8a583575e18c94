import type { CardCall, CardParticipant } from "./card-call.ts";
import { clipped, fill } from "./html.ts";
import { CARD_LIMITS } from "./limits.ts";
import type { Language } from "./settings.ts";
import type { CardWords } from "./words/card-words.ts";

/** How an enterprise reads its cards. */
export interface CardStyle {
  enterpriseId: string;
  language: Language;
  timezone: string;
  /** Names of extensions. */
  names: ReadonlyMap<string, string>;
  recordingUrl: string | null;
}

/** A call on its way to a card. */
export interface Drawing {
  call: CardCall;
  style: CardStyle;
  words: CardWords;
}

/** Extensions in ring order, each once, a bounded number of them. */
export function list({ style, words }: Drawing, participants: readonly CardParticipant[]): string {
  const offline = new Set(participants.filter(({ reason }) => reason === "unavailable").map((one) => one.extension));
  const all = [...new Set(participants.map((one) => one.extension))];
  const shown = all.slice(0, CARD_LIMITS.extensionsMax).map((number) => {
    const who = extension(style, number);
    return offline.has(number) ? fill(words.offline, { who }) : who;
  });
  const rest = all.length - shown.length;
  return rest === 0 ? shown.join(", ") : `${shown.join(", ")} ${fill(words.more, { count: String(rest) })}`;
}

/** Number and name. */
export function extension({ names }: CardStyle, number: string): string {
  const name = names.get(number);
  const told = clipped(number, CARD_LIMITS.nameCharsMax);
  return name === undefined ? told : `${told} ${clipped(name, CARD_LIMITS.nameCharsMax)}`;
}

/** What matters most on the card. */
export function bold(text: string): string {
  return `<b>${clipped(text, CARD_LIMITS.nameCharsMax)}</b>`;
}

/** Whole seconds, when it is a number of them. */
export function seconds(value: unknown): number | null {
  return typeof value === "number" && value >= 0 ? Math.round(value) : null;
}

/** The text with a duration in it; nothing when there is none. */
export function time(text: string, value: number | null): string[] {
  return value === null ? [] : [fill(text, { time: span(value) })];
}

/** `0:07`, `12:05`, `1:02:03`. */
function span(value: number): string {
  const [hours, minutes, rest] = [Math.floor(value / 3600), Math.floor(value / 60) % 60, value % 60];
  const tail = `${String(minutes).padStart(hours > 0 ? 2 : 1, "0")}:${String(rest).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/** Hours and minutes on the enterprise's wall. */
export function clock({ timezone }: CardStyle, at: number): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: timezone }).format(at);
}
