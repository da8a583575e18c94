import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { ConfigurationError, messageOf } from "../shared/errors.ts";
import { LOG_LEVELS } from "../shared/log.ts";
import { zoneNamed } from "./recover/zone.ts";
import { oneOf, readOptions, text, whole, yesOrNo, type Options } from "../shared/options.ts";

export const ENV_PREFIX = "RINGPOST_AGENT_";

export const ASTERISK_CONF = "/etc/asterisk/asterisk.conf";

const printable = /^[^\p{Cc}]+$/u;

/** Every setting of the agent: section, name, type, default, and what is allowed in words. */
export const SETTINGS = {
  server: {
    url: text(/^https?:\/\/[^\s/?#@]+\/?$/, { allowed: "https://host[:port] of the central server" }),
    key: text(/^rp_\d+_[A-Za-z0-9_-]+$/, { secret: true, allowed: "the site key, rp_<site>_<secret>" }),
    allow_plain_http: yesOrNo(false),
    ca_file: text(/^[^\p{Cc}]*$/u, { default: "", allowed: "a PEM file with the certificate of your own authority" }),
  },
  ami: {
    host: text(/^[^\s/]+$/, { default: "127.0.0.1", allowed: "a host name or address" }),
    port: whole(1, 65_535, "a port", 5038),
    username: text(printable, { allowed: "a user of manager.conf" }),
    secret: text(printable, { secret: true, allowed: "that user's secret" }),
  },
  outbox: {
    path: text(printable, { charactersMax: 4_000, allowed: "the path of the outbox file" }),
    keep_acked_days: whole(0, 3_650, "days", 7),
    keep_acked_mb: whole(0, 1_000_000, "megabytes", 1_024),
    max_mb: whole(8, 1_000_000, "megabytes", 8_192),
    max_days: whole(1, 3_650, "days", 60),
  },
  recover: {
    enabled: yesOrNo(true),
    root: text(/^(\/[^\p{Cc}]*)?$/u, {
      default: "",
      allowed: "the folder that is / to Asterisk, when it runs in a container or chroot",
    }),
    asterisk_conf: text(/^\/[^\p{Cc}]*$/u, { default: ASTERISK_CONF, allowed: "the path of asterisk.conf" }),
    zone: text(/^[^\p{Cc}]*$/u, {
      default: "",
      allowed: "the PBX's time zone, like Europe/Kyiv; empty: this machine's",
    }),
  },
  live: { window_seconds: whole(1, 3_600, "seconds", 15) },
  log: { level: oneOf(LOG_LEVELS, "info") },
};
export type Settings = Options<typeof SETTINGS>;

/**
 * Settings from the file and the environment, complete and checked.
 * @throws ConfigurationError naming each setting that cannot be used.
 */
export function loadSettings(file: string | undefined, env: Readonly<Record<string, string | undefined>>): Settings {
  const toml = file === undefined ? {} : { toml: readFile(file) };
  const settings = readOptions(SETTINGS, { ...toml, env, envPrefix: ENV_PREFIX });
  refusePlainHttp(settings);
  refuseUnreadableAuthority(settings);
  refuseUnknownZone(settings);
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
  if (plainHttpAllowed(server.url, server.allow_plain_http)) return;
  throw wrongUrl(`${server.url}, which would send the site key in the clear`);
}

/** Whether this address may be sent a key: over TLS, to this machine, or because somebody asked for it. */
export function plainHttpAllowed(server: string, asked: boolean): boolean {
  if (!URL.canParse(server)) return false;
  const { protocol, hostname } = new URL(server);
  return protocol === "https:" || (protocol === "http:" && (asked || isLoopback(hostname)));
}

function refuseUnreadableAuthority({ server }: Settings): void {
  if (server.ca_file === "") return;
  try {
    readFileSync(server.ca_file);
  } catch (error) {
    const allowed = "a PEM file the agent's user may read";
    throw new ConfigurationError([{ setting: "[server] ca_file", found: messageOf(error), allowed }]);
  }
}

function refuseUnknownZone({ recover }: Settings): void {
  try {
    zoneNamed(recover.zone);
  } catch {
    const allowed = "a time zone's name, like Europe/Kyiv; empty: this machine's";
    throw new ConfigurationError([{ setting: "[recover] zone", found: recover.zone, allowed }]);
  }
}

function wrongUrl(found: string): ConfigurationError {
  const allowed = "https://host[:port]; http:// only to this machine, or with [server] allow_plain_http = true";
  return new ConfigurationError([{ setting: "[server] url", found, allowed }]);
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
