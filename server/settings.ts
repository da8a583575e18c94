import { ConfigurationError, type SettingProblem } from "../shared/errors.ts";
import { KEY_LENGTH_MIN } from "./deliver/secrets.ts";
import { TELEGRAM_API_ROOT } from "./deliver/telegram/limits.ts";
import { LOG_LEVELS, type LogLevel } from "../shared/log.ts";

/** Where the calls are kept: a PostgreSQL of the operator's, or the embedded one in a folder. */
export interface DatabaseSettings {
  /** Any PostgreSQL 15 or newer; undefined: embedded. */
  databaseUrl: string | undefined;
  dataDir: string;
}

export interface ServerSettings extends DatabaseSettings {
  host: string;
  /** 0: any free port. */
  port: number;
  logLevel: LogLevel;
  /** Opens the secrets kept in the database; undefined: there are none. */
  secretKey: string | undefined;
  /** The one before, while keys are changed. */
  secretKeyBefore: string | undefined;
  /** Root of the Bot API, without a slash at its end. */
  telegramApi: string;
}

/** What was given on the command line; it wins over the environment. */
export interface Flags {
  port?: string | undefined;
  host?: string | undefined;
  dataDir?: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

const VARIABLES = [
  "RINGPOST_PORT",
  "RINGPOST_HOST",
  "RINGPOST_DATA_DIR",
  "RINGPOST_LOG_LEVEL",
  "RINGPOST_MONGO_URI",
  "RINGPOST_SECRET_KEY",
  "RINGPOST_SECRET_KEY_BEFORE",
  "RINGPOST_TELEGRAM_API",
];
const portMax = 65_535;

interface Given {
  setting: string;
  value: string;
}

/** Settings of `start`. @throws ConfigurationError naming every setting that is wrong or unknown. */
export function readServerSettings(env: Env, flags: Flags): ServerSettings {
  const problems: SettingProblem[] = [...unknownVariables(env)];
  const settings = {
    ...databaseSettings(env, flags, problems),
    host: hostOf(given("--host", flags.host, "RINGPOST_HOST", env), problems),
    port: portOf(given("--port", flags.port, "RINGPOST_PORT", env), problems),
    logLevel: logLevelOf(env["RINGPOST_LOG_LEVEL"], problems),
    secretKey: secretKeyOf("RINGPOST_SECRET_KEY", env, problems),
    secretKeyBefore: secretKeyOf("RINGPOST_SECRET_KEY_BEFORE", env, problems),
    telegramApi: telegramApiOf(env["RINGPOST_TELEGRAM_API"], problems),
  };
  if (problems.length > 0) throw new ConfigurationError(problems);
  return settings;
}

/** Settings of the commands that only need the database. @throws ConfigurationError. */
export function readDatabaseSettings(env: Env, flags: Flags): DatabaseSettings {
  const problems: SettingProblem[] = [];
  const settings = databaseSettings(env, flags, problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return settings;
}

/** Where the Bot API is, without a slash at its end. @throws ConfigurationError. */
export function readTelegramApi(env: Env): string {
  const problems: SettingProblem[] = [];
  const root = telegramApiOf(env["RINGPOST_TELEGRAM_API"], problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return root;
}

function given(flag: string, value: string | undefined, variable: string, env: Env): Given | undefined {
  if (value !== undefined) return { setting: flag, value };
  const fromEnv = env[variable];
  return fromEnv === undefined || fromEnv === "" ? undefined : { setting: variable, value: fromEnv };
}

function databaseSettings(env: Env, flags: Flags, problems: SettingProblem[]): DatabaseSettings {
  const dataDir = given("--data-dir", flags.dataDir, "RINGPOST_DATA_DIR", env);
  if (dataDir?.value.trim() === "") {
    problems.push({ setting: dataDir.setting, found: "nothing", allowed: "the path of a folder" });
  }
  return { databaseUrl: databaseUrlOf(env["DATABASE_URL"], problems), dataDir: dataDir?.value ?? "./data" };
}

function databaseUrlOf(text: string | undefined, problems: SettingProblem[]): string | undefined {
  if (text === undefined || text === "") return undefined;
  const scheme = URL.canParse(text) ? new URL(text).protocol : undefined;
  if (scheme === "postgres:" || scheme === "postgresql:") return text;
  // Not shown: whatever it is, a password may be in it.
  const found = scheme ? `an address that begins with ${scheme}` : "text that is no address";
  problems.push({ setting: "DATABASE_URL", found, allowed: "postgres://user:password@host:5432/database" });
  return undefined;
}

function portOf(port: Given | undefined, problems: SettingProblem[]): number {
  if (!port) return 8080;
  const number = /^\d{1,5}$/.test(port.value) ? Number(port.value) : Number.NaN;
  if (number <= portMax) return number;
  const allowed = `a number from 0 to ${portMax} (0: any free port)`;
  problems.push({ setting: port.setting, found: JSON.stringify(port.value), allowed });
  return 0;
}

function hostOf(host: Given | undefined, problems: SettingProblem[]): string {
  if (!host) return "127.0.0.1";
  if (/^[A-Za-z0-9_.:%-]+$/.test(host.value)) return host.value;
  const allowed = "a host name or address to listen on, such as 127.0.0.1, 0.0.0.0 or ::";
  problems.push({ setting: host.setting, found: JSON.stringify(host.value), allowed });
  return "";
}

function logLevelOf(level: string | undefined, problems: SettingProblem[]): LogLevel {
  const known = LOG_LEVELS.find((name) => name === (level || "info"));
  if (known) return known;
  problems.push({ setting: "RINGPOST_LOG_LEVEL", found: JSON.stringify(level), allowed: LOG_LEVELS.join(", ") });
  return "info";
}

function secretKeyOf(setting: string, env: Env, problems: SettingProblem[]): string | undefined {
  const key = env[setting];
  if (key === undefined || key === "") return undefined;
  if (key.length >= KEY_LENGTH_MIN) return key;
  const allowed = `at least ${KEY_LENGTH_MIN} characters, for instance from: openssl rand -base64 32`;
  problems.push({ setting, found: `${key.length} characters`, allowed });
  return undefined;
}

function telegramApiOf(text: string | undefined, problems: SettingProblem[]): string {
  if (text === undefined || text === "") return TELEGRAM_API_ROOT;
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, "");
  const allowed = `an address such as ${TELEGRAM_API_ROOT}`;
  problems.push({ setting: "RINGPOST_TELEGRAM_API", found: JSON.stringify(text), allowed });
  return TELEGRAM_API_ROOT;
}

/** A variable with a typing error would otherwise be ignored in silence. The agent's own are its business. */
function unknownVariables(env: Env): SettingProblem[] {
  const ours = Object.keys(env).filter((name) => name.startsWith("RINGPOST_") && !name.startsWith("RINGPOST_AGENT_"));
  return ours
    .filter((name) => !VARIABLES.includes(name))
    .map((name) => ({ setting: name, found: "a setting that does not exist", allowed: VARIABLES.join(", ") }));
}
