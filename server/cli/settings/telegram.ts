import { CALL_TYPES } from "../../../shared/call.ts";
import { parseHours } from "../../deliver/telegram/hours.ts";
import { isRecordingTemplate } from "../../deliver/telegram/recording.ts";
import { LANGUAGES, type StoredChat, type StoredTelegram } from "../../deliver/telegram/settings.ts";
import { Refused } from "../context.ts";
import { flagOf, isTable, listOf, refuseSetting, type SettingsPart, type SettingsTools } from "./part.ts";

const TOKEN = /^\d{3,20}:[A-Za-z0-9_-]{10,100}$/;
const CHAT = /^(?<chat>-?\d{1,20}|@\w{4,64})(?:\/(?<thread>\d{1,15}))?$/;
const NAME = /^[A-Za-z0-9_-]{1,40}$/;
/** The chat of `telegram.chat=`. */
const MAIN = "main";

type Reader = (value: unknown) => unknown;

/** Undefined is wrong. */
const OWN: Readonly<Record<string, Reader>> = {
  enabled: flagOf,
  language: (value) => LANGUAGES.find((one) => one === value),
  recording_url: (value) => (typeof value === "string" && isRecordingTemplate(value) ? value : undefined),
  callback_hours: (value) => numberOf(value, 720),
  late_minutes: (value) => numberOf(value, 1440),
  downloaded_hangup_age_max_seconds: (value) => numberOf(value, 86_400),
};

const OF_CHAT: Readonly<Record<string, Reader>> = {
  types: typesOf,
  dids: rulesOf,
  extensions: rulesOf,
  only: (value) => (value === "missed" || value === "all" ? value : undefined),
  hours: (value) => (typeof value === "string" && isHours(value) ? value : undefined),
  silent: flagOf,
};

/** `telegram.token=@FILE telegram.chat=-100123 telegram.night.chat=-100456 telegram.night.only=missed telegram.night=off`. */
export const telegramPart: SettingsPart = {
  name: "telegram",
  allowed: (say) => say.allowedTelegramSetting,
  change(before, given, tools) {
    const wrong = (where: string): never => refuseSetting(tools.say, where, tools.say.allowedTelegramSetting);
    if (!isTable(given)) return wrong("telegram");
    let telegram = storedOf(before);
    for (const [field, value] of Object.entries(given)) {
      telegram = changeOne(telegram, field, value, tools, wrong);
    }
    return { ...before, telegram: { ...telegram, enabled: telegram.enabled ?? true } };
  },
  tell(settings) {
    const { chats = [], ...own } = storedOf(settings);
    if (Object.keys(own).length + chats.length === 0) return undefined;
    return { ...own, ...Object.fromEntries(chats.map(({ name, ...chat }) => [name, tellChat(chat)])) };
  },
};

function storedOf({ telegram }: { telegram?: unknown }): StoredTelegram {
  return isTable(telegram) ? (telegram as StoredTelegram) : {};
}

function tellChat({ chat, thread, ...rest }: Omit<StoredChat, "name">): Record<string, unknown> {
  return { chat: thread === undefined ? chat : `${chat}/${thread}`, ...rest };
}

type Wrong = (where: string) => never;

function changeOne(
  before: StoredTelegram,
  field: string,
  value: unknown,
  tools: SettingsTools,
  wrong: Wrong,
): StoredTelegram {
  const where = `telegram.${field}`;
  if (field === "token") {
    const token = tools.secret(where, value, { shape: TOKEN, before: before.token });
    return { ...before, token };
  }
  const read = OWN[field];
  if (read !== undefined) return { ...before, [field]: read(value) ?? wrong(where) };
  if (field === "chat") return changeChat(before, MAIN, { chat: value }, tools, wrong);
  if (value === "off") return { ...before, chats: (before.chats ?? []).filter(({ name }) => name !== field) };
  if (!NAME.test(field) || !isTable(value)) return wrong(where);
  return changeChat(before, field, value, tools, wrong);
}

function changeChat(
  before: StoredTelegram,
  name: string,
  given: Record<string, unknown>,
  { say }: SettingsTools,
  wrong: Wrong,
): StoredTelegram {
  const chats = before.chats ?? [];
  const known = chats.find((one) => one.name === name);
  if (known === undefined && given["chat"] === undefined) throw new Refused(say.telegramNeedsChat(name));
  const { chat: address, ...rest } = given;
  const { thread, ...kept } = known ?? { name, chat: "" };
  const place = address === undefined ? (thread === undefined ? {} : { thread }) : placeOf(address, name, wrong);
  const fields = Object.entries(rest).map(([field, value]) => {
    const where = `telegram.${name}.${field}`;
    const read = OF_CHAT[field]?.(value);
    return [field, read ?? wrong(where)] as const;
  });
  const changed = { ...kept, ...place, ...Object.fromEntries(fields) } as StoredChat;
  const at = known === undefined ? chats.length : chats.indexOf(known);
  return { ...before, chats: chats.toSpliced(at, 1, changed) };
}

/** `all`: whatever it is. */
function rulesOf(value: unknown): string[] | undefined {
  return value === "all" ? [] : listOf(value);
}

function typesOf(value: unknown): string[] | undefined {
  const types = rulesOf(value);
  return types?.every((type) => CALL_TYPES.some((one) => one === type)) === true ? types : undefined;
}

function placeOf(value: unknown, name: string, wrong: Wrong): Pick<StoredChat, "chat" | "thread"> {
  const { chat, thread } = CHAT.exec(String(value))?.groups ?? {};
  if (chat === undefined) return wrong(name === MAIN ? "telegram.chat" : `telegram.${name}.chat`);
  return { chat, ...(thread === undefined ? {} : { thread: Number(thread) }) };
}

function isHours(text: string): boolean {
  return text === "always" || parseHours(text.replace(/^outside\s+/, "")) !== undefined;
}

function numberOf(value: unknown, max: number): number | undefined {
  const number = typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof number === "number" && number > 0 && number <= max ? number : undefined;
}
