import { CALL_TYPES, type CallType } from "../../../shared/call.ts";
import { parseHours, type WorkingHours } from "./hours.ts";

export const LANGUAGES = ["en", "ru", "uk"] as const;
export type Language = (typeof LANGUAGES)[number];

/** What an enterprise says about Telegram. */
export interface TelegramSettings {
  /** Sealed (secrets.ts). */
  token: string;
  language: Language;
  /** Address of a recording, with {recording}, {file}, {unique_id}, {enterprise} in it. */
  recordingUrl: string | null;
  /** Within this time after a missed call, an answered one with the same number counts as calling back. */
  callbackMsMax: number;
  /** A call that ended longer ago gets no card any more. */
  lateMsMax: number;
  chats: readonly ChatSettings[];
}

/** A chat and which calls it is told of; null: all. */
export interface ChatSettings {
  /** Known by it within the enterprise, whatever the chat's id becomes. */
  name: string;
  /** Id or @name. */
  chat: string;
  /** Topic of a forum (message_thread_id). */
  thread: number | null;
  types: ReadonlySet<CallType> | null;
  dids: ReadonlySet<string> | null;
  extensions: ReadonlySet<string> | null;
  missedOnly: boolean;
  hours: WorkingHours | null;
  /** The hours are those the chat is not told in. */
  outsideHours: boolean;
  silent: boolean;
}

/** A chat as it stands in `enterprises.settings.telegram.chats`. */
export interface StoredChat {
  name: string;
  chat: string;
  thread?: number;
  types?: string[];
  dids?: string[];
  extensions?: string[];
  only?: "missed" | "all";
  /** `mon-fri 09:00-18:00`, `outside mon-fri 09:00-18:00`. */
  hours?: string;
  silent?: boolean;
}

/** `enterprises.settings.telegram`. */
export interface StoredTelegram {
  enabled?: boolean;
  token?: string;
  language?: Language;
  recording_url?: string;
  callback_hours?: number;
  late_minutes?: number;
  chats?: StoredChat[];
}

const CALLBACK_HOURS = 24;
const LATE_MINUTES = 120;
const OUTSIDE = /^outside\s+/;

/** Reads `enterprises.settings`; null unless Telegram is on, with a token and at least one chat. */
export function readTelegramSettings(settings: unknown): TelegramSettings | null {
  const stored = asRecord(asRecord(settings)["telegram"]) as Partial<Record<keyof StoredTelegram, unknown>>;
  const chats = Array.isArray(stored.chats) ? stored.chats.flatMap(readChat) : [];
  if (stored.enabled !== true || typeof stored.token !== "string" || chats.length === 0) return null;
  return {
    token: stored.token,
    language: LANGUAGES.find((one) => one === stored.language) ?? "en",
    recordingUrl: typeof stored.recording_url === "string" ? stored.recording_url : null,
    callbackMsMax: positive(stored.callback_hours, CALLBACK_HOURS) * 3_600_000,
    lateMsMax: positive(stored.late_minutes, LATE_MINUTES) * 60_000,
    chats,
  };
}

function readChat(value: unknown): ChatSettings[] {
  const stored = asRecord(value) as Partial<Record<keyof StoredChat, unknown>>;
  const { name, chat, thread } = stored;
  if (typeof name !== "string" || (typeof chat !== "string" && typeof chat !== "number")) return [];
  const types = textsOf(stored.types);
  const hours = typeof stored.hours === "string" ? stored.hours : "";
  return [
    {
      name,
      chat: String(chat),
      thread: typeof thread === "number" ? thread : null,
      types: types && new Set(CALL_TYPES.filter((type) => types.has(type))),
      dids: textsOf(stored.dids),
      extensions: textsOf(stored.extensions),
      missedOnly: stored.only === "missed",
      hours: parseHours(hours.replace(OUTSIDE, "")) ?? null,
      outsideHours: OUTSIDE.test(hours),
      silent: stored.silent === true,
    },
  ];
}

function textsOf(value: unknown): Set<string> | null {
  return Array.isArray(value) && value.length > 0 ? new Set(value.map(String)) : null;
}

function positive(value: unknown, otherwise: number): number {
  return typeof value === "number" && value > 0 ? value : otherwise;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
