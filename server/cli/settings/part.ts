import { Refused } from "../context.ts";
import type { Messages } from "../messages.ts";

/** `enterprises.settings`. */
export type Settings = Record<string, unknown>;

/** Some of an enterprise's settings, as words of `enterprise set` and files of `enterprise import` change them. */
export interface SettingsPart {
  /** What its words begin with, and its table in a file: `webhook`. */
  name: string;
  /** What is allowed, for the help and for who typed something else. */
  allowed(say: Messages): string;
  /**
   * Changes what `given` says; the rest stays. Values are texts when they were words, and whatever the file has else.
   * @throws Refused
   */
  change(before: Settings, given: unknown, tools: SettingsTools): Settings;
  /** As a file would say it, secrets still sealed; undefined when there is nothing. */
  tell(settings: Settings): unknown;
}

export interface SettingsTools {
  say: Messages;
  /**
   * Seals a secret: `@FILE` reads it, a file may have it in the clear or sealed by `enterprise export`. One that is already
   * `before` stays. `make`: what `new` stands for. @throws Refused
   */
  secret(where: string, given: unknown, secret: SecretShape): string;
  /** Shown once, when all is stored. */
  note(line: string): void;
}

export interface SecretShape {
  shape: RegExp;
  before: string | undefined;
  make?: () => string;
}

/** @throws Refused. The value is shown only where it cannot be a secret. */
export function refuseSetting(say: Messages, where: string, allowed: string): never {
  throw new Refused(say.wrongSetting(where, allowed));
}

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `a,b` or ["a", "b"]; undefined when it is neither. */
export function listOf(value: unknown): string[] | undefined {
  if (Array.isArray(value))
    return value.every((one) => typeof one === "string" || typeof one === "number") ? value.map(String) : undefined;
  if (typeof value !== "string") return undefined;
  return value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

/** `yes`, `no`, true, false; undefined when it is none of them. */
export function flagOf(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  return value === "yes" ? true : value === "no" ? false : undefined;
}
