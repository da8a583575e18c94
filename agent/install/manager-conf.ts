import { isYes, type Section } from "../recover/conf.ts";

/** What manager.conf and the files it includes say about AMI. */
export interface ManagerConf {
  /** Whether there is a `[general]` at all. */
  hasGeneral: boolean;
  enabled: boolean;
  bindaddr: string;
  port: number;
  timestampEvents: boolean;
  /** By name in small letters: Asterisk takes `[Crm]` and `[crm]` for one. */
  users: ReadonlyMap<string, AmiUser>;
}

export interface AmiUser {
  read: string[];
  write: string[];
  writeTimeoutMs: number;
}

/** Listens on every address: the nearest is this machine's own. */
const EVERYWHERE = ["", "0.0.0.0", "::", "[::]"];

/** Where to reach an AMI that is bound like this, from the same machine. */
export function amiHostOf({ bindaddr }: ManagerConf): string {
  return EVERYWHERE.includes(bindaddr) ? "127.0.0.1" : bindaddr.replace(/^\[|\]$/g, "");
}

const PORT_DEFAULT = 5038;
/** Asterisk's own default: a reader that blocks for longer is dropped. */
const WRITE_TIMEOUT_MS_DEFAULT = 100;

/** What the sections of manager.conf say of AMI. Of several `[general]` Asterisk takes the first; of a user all sections. */
export function managerConfOf(sections: readonly Section[]): ManagerConf {
  const first = sections.find(({ name }) => isGeneral(name));
  const general = new Map(first?.options.map(([name, value]) => [name.toLowerCase(), value]));
  const users = new Map<string, Map<string, string>>();
  for (const { name, options } of sections.filter((section) => !isGeneral(section.name))) {
    const known = users.get(name.toLowerCase()) ?? new Map<string, string>();
    users.set(name.toLowerCase(), known);
    for (const [option, value] of options) known.set(option.toLowerCase(), value);
  }
  return {
    hasGeneral: first !== undefined,
    enabled: isYes(general.get("enabled")),
    bindaddr: general.get("bindaddr") ?? "0.0.0.0",
    port: Number(general.get("port") ?? PORT_DEFAULT) || PORT_DEFAULT,
    timestampEvents: isYes(general.get("timestampevents")),
    users: new Map([...users].map(([name, options]) => [name, userOf(options)])),
  };
}

function isGeneral(name: string): boolean {
  return name.toLowerCase() === "general";
}

function userOf(options: ReadonlyMap<string, string>): AmiUser {
  const words = (name: string) =>
    (options.get(name) ?? "")
      .split(",")
      .map((word) => word.trim().toLowerCase())
      .filter((word) => word !== "");
  const timeout = Number(options.get("writetimeout") ?? WRITE_TIMEOUT_MS_DEFAULT);
  return { read: words("read"), write: words("write"), writeTimeoutMs: timeout || WRITE_TIMEOUT_MS_DEFAULT };
}
