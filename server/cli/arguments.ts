import { InvalidArgumentError } from "commander";
import type { ScopeMoment } from "../store/findRebuildable.ts";
import type { Messages } from "./messages.ts";

/** Parsers of what people type; each throws InvalidArgumentError with what is allowed, which run.ts words. */
export interface Parsers {
  enterpriseId(text: string): string;
  line(text: string): string;
  host(text: string): string;
  timezone(text: string): string;
  extensions(text: string): string;
  trunks(text: string): string[];
  lang(text: string): string;
  yesNo(text: string): string;
  moment(text: string): ScopeMoment;
  number(from: number, to: number): (text: string) => number;
}

const extensionsLengthMax = 500;

export function parsers(say: Messages): Parsers {
  return {
    enterpriseId: matching(/^[A-Za-z0-9._-]{1,64}$/, say.allowedId),
    // oxlint-disable-next-line no-control-regex
    line: matching(/^(?=.*\S)[^\u0000-\u001f]{1,200}$/, say.allowedText),
    host: matching(/^[A-Za-z0-9\u0080-\uffff._:%[\]-]{1,253}$/, say.allowedHost),
    timezone: (text) => (isTimezone(text) ? text : refuse(say.allowedZone)),
    extensions: (text) => (isRegex(text) ? text : refuse(say.allowedRegex)),
    trunks: (text) => trunks(text) ?? refuse(say.allowedTrunks),
    lang: matching(/^(en|ru)$/, "en, ru"),
    yesNo: matching(/^(yes|no)$/, "yes, no"),
    moment: (text) => moment(text) ?? refuse(say.allowedMoment),
    number: (from, to) => (text) => wholeNumber(text, from, to) ?? refuse(say.allowedNumber(from, to)),
  };
}

function matching(shape: RegExp, allowed: string): (text: string) => string {
  return (text) => (shape.test(text) ? text : refuse(allowed));
}

function refuse(allowed: string): never {
  throw new InvalidArgumentError(allowed);
}

function isTimezone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "" && /^[A-Z]/i.test(text);
  } catch {
    return false;
  }
}

function isRegex(text: string): boolean {
  try {
    return text.length <= extensionsLengthMax && new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function trunks(text: string): string[] | undefined {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return names.some((name) => /\s/.test(name)) ? undefined : [...new Set(names)];
}

function wholeNumber(text: string, from: number, to: number): number | undefined {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return number >= from && number <= to ? number : undefined;
}

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** `2026-11-24`, `2026-11-24T09:30`, `2026-11-24 09:30:00+03:00`; undefined when there is no such moment. */
function moment(text: string): ScopeMoment | undefined {
  const [, day = "", time = "00:00", zone = ""] = MOMENT.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const offset = zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, minutes = "00") => `${hours}:${minutes}`);
  const whole = `${day}T${time}${offset.toUpperCase()}`;
  return Number.isNaN(Date.parse(whole)) ? undefined : { text: whole, local: zone === "" };
}
