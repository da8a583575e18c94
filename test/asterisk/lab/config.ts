import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addressOf, PHONES, TRUNKS, UNREGISTERED } from "./office.ts";
import type { LabPaths } from "./paths.ts";
import { FACTS, RTP_PORTS, type Release } from "./releases.ts";

const TEMPLATES = join(import.meta.dirname, "etc");

export interface LabPorts {
  sip: number;
  ami: number;
  /** The port every phone and trunk answers on, each at its own address. */
  phone: number;
}

export interface AmiUser {
  name: string;
  read: string;
  filters: readonly string[];
}

export interface OfficeSettings {
  ports: LabPorts;
  secret: string;
  /** Asterisk's timestampevents. */
  timestamps: boolean;
  /** Users beside `ringpost` and `recorder`, for measuring rights. */
  users: readonly AmiUser[];
}

export function newSecret(): string {
  return randomBytes(12).toString("hex");
}

/** Writes the whole /etc/asterisk of one PBX; nothing of the package's own examples stays. */
export async function writeConfiguration(release: Release, paths: LabPaths, office: OfficeSettings): Promise<void> {
  await rm(paths.etc, { recursive: true, force: true });
  await mkdir(paths.etc, { recursive: true });
  const words = placeholders(release, office);
  for (const name of await readdir(TEMPLATES)) {
    const text = await readFile(join(TEMPLATES, name), "utf8");
    await writeFile(join(paths.etc, name), fill(text, words), { mode: 0o600 });
  }
  await writeFile(join(paths.etc, "pjsip.conf"), pjsip(release, office.ports), { mode: 0o600 });
}

function placeholders(release: Release, office: OfficeSettings): Record<string, string> {
  const { rtpStart, modules } = FACTS[release];
  return {
    AMI_PORT: String(office.ports.ami),
    SECRET: office.secret,
    TIMESTAMPS: office.timestamps ? "yes" : "no",
    RTP_START: String(rtpStart),
    RTP_END: String(rtpStart + RTP_PORTS - 1),
    MODULES_OF_VERSION: modules.map((name) => `load = ${name}`).join("\n"),
    MORE_USERS: office.users.map((user) => amiUser(user, office.secret)).join("\n"),
  };
}

function fill(text: string, words: Record<string, string>): string {
  return text.replaceAll(/@([A-Z_]+)@/g, (whole, word: string) => words[word] ?? whole);
}

function amiUser(user: AmiUser, secret: string): string {
  const filters = user.filters.map((filter) => `eventfilter = ${filter}`);
  return ["", `[${user.name}]`, `secret = ${secret}`, `read = ${user.read}`, "write = reporting", ...filters].join(
    "\n",
  );
}

function pjsip(release: Release, ports: LabPorts): string {
  const phones = [...PHONES].map(([extension, name]) => phone(extension, name));
  const trunks = TRUNKS.map((name) => trunk(name, addressOf(release, name), ports.phone));
  return [transport(ports.sip), ...phones, phone(UNREGISTERED, "Never There"), ...trunks].join("\n");
}

function transport(port: number): string {
  return `[global]
type = global
endpoint_identifier_order = ip,username

[udp]
type = transport
protocol = udp
bind = 127.0.0.1:${port}

[common](!)
type = endpoint
transport = udp
disallow = all
allow = alaw,ulaw
direct_media = no
dtmf_mode = info
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
call_group = 1
pickup_group = 1
`;
}

function phone(extension: string, name: string): string {
  return `[${extension}](common)
context = from-internal
aors = ${extension}
callerid = "${name.replaceAll('"', '\\"')}" <${extension}>

[${extension}]
type = aor
max_contacts = 1
remove_existing = yes
`;
}

function trunk(name: string, address: string, port: number): string {
  return `[${name}](common)
context = from-trunk
aors = ${name}

[${name}]
type = aor
contact = sip:${address}:${port}

[${name}]
type = identify
endpoint = ${name}
match = ${address}
`;
}
