import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { Type, type Static } from "typebox";
import { ConfigurationError, messageOf } from "../shared/errors.ts";
import { LOG_LEVELS } from "../shared/log.ts";
import { readOptions } from "../shared/options.ts";

export const ENV_PREFIX = "RINGPOST_AGENT_";

const count = (minimum: number, maximum: number, value: number, unit: string) =>
  Type.Integer({ minimum, maximum, default: value, allowed: `a whole number of ${unit}, ${minimum} to ${maximum}` });
const noControl = "^[^\\u0000-\\u001f\\u007f]+$";

/** Every setting of the agent: section, name, type, default, and what is allowed in words. */
export const SettingsSchema = Type.Object({
  server: Type.Object({
    url: Type.String({ pattern: "^https?://[^\\s/?#@]+/?$", allowed: "https://host[:port] of the central server" }),
    key: Type.String({
      pattern: "^rp_\\d+_[A-Za-z0-9_-]+$",
      secret: true,
      allowed: "the site key, rp_<site>_<secret>",
    }),
    allow_plain_http: Type.Boolean({ default: false, allowed: "true or false" }),
  }),
  ami: Type.Object({
    host: Type.String({ default: "127.0.0.1", pattern: "^[^\\s/]+$", allowed: "a host name or address" }),
    port: Type.Integer({ default: 5038, minimum: 1, maximum: 65_535, allowed: "a port, 1 to 65535" }),
    username: Type.String({ pattern: noControl, maxLength: 200, allowed: "a user of manager.conf" }),
    secret: Type.String({ pattern: noControl, maxLength: 500, secret: true, allowed: "that user's secret" }),
  }),
  outbox: Type.Object({
    path: Type.String({ pattern: noControl, maxLength: 4_000, allowed: "the path of the outbox file" }),
    keep_acked_days: count(0, 3_650, 7, "days"),
    keep_acked_mb: count(0, 1_000_000, 1_024, "megabytes"),
    max_mb: count(8, 1_000_000, 8_192, "megabytes"),
    max_days: count(1, 3_650, 60, "days"),
  }),
  live: Type.Object({ window_seconds: count(1, 3_600, 15, "seconds") }),
  log: Type.Object({
    level: Type.Union(
      LOG_LEVELS.map((level) => Type.Literal(level)),
      { default: "info", allowed: LOG_LEVELS.join(", ") },
    ),
  }),
});
export type Settings = Static<typeof SettingsSchema>;

/**
 * Settings from the file and the environment, complete and checked.
 * @throws ConfigurationError naming each setting that cannot be used.
 */
export function loadSettings(file: string | undefined, env: Readonly<Record<string, string | undefined>>): Settings {
  const toml = file === undefined ? {} : { toml: readFile(file) };
  const settings = readOptions(SettingsSchema, { ...toml, env, envPrefix: ENV_PREFIX });
  refusePlainHttp(settings);
  return settings;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigurationError([{ setting: "--config", found: messageOf(error), allowed: "a readable TOML file" }]);
  }
}

/** A site key sent in the clear over a network belongs to whoever listens there. */
function refusePlainHttp({ server }: Settings): void {
  if (!URL.canParse(server.url)) throw wrongUrl(server.url);
  const url = new URL(server.url);
  if (url.protocol === "https:" || server.allow_plain_http || isLoopback(url.hostname)) return;
  throw wrongUrl(`${server.url}, which would send the site key in the clear`);
}

function wrongUrl(found: string): ConfigurationError {
  const allowed = "https://host[:port]; http:// only to this machine, or with [server] allow_plain_http = true";
  return new ConfigurationError([{ setting: "[server] url", found, allowed }]);
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
