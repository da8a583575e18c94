/** What channel names, dial strings and numbers say by their shape. Pure text, no state. */

export type ChannelKind = "real" | "local" | "helper";

export interface ChannelName {
  tech: string;
  /** Peer or endpoint, without technology and serial: `PJSIP/trunk-a-0000001f` -> `trunk-a`. */
  peer: string;
  kind: ChannelKind;
  /** Local channels: the name both halves share, and which half this is. */
  pair: string | null;
  half: 1 | 2 | null;
}

/** Channels Asterisk makes for itself: they carry nobody. */
const HELPER_TECHS = new Set([
  "AsyncGoto",
  "Surrogate",
  "Bridge",
  "CBAnn",
  "CBRec",
  "Announcer",
  "Recorder",
  "Message",
  "Parked",
  "MulticastRTP",
  "UnicastRTP",
  "Snoop",
  "OutgoingSpoolFailed",
]);

export function parseChannelName(name: string): ChannelName {
  const slash = name.indexOf("/");
  if (slash < 0) return { tech: "", peer: name, kind: "helper", pair: null, half: null };
  const tech = name.slice(0, slash);
  const rest = name.slice(slash + 1);
  if (tech === "Local") return parseLocalName(name, rest);
  const kind: ChannelKind = HELPER_TECHS.has(tech) ? "helper" : "real";
  return { tech, peer: peerOf(rest), kind, pair: null, half: null };
}

function parseLocalName(name: string, rest: string): ChannelName {
  const semicolon = name.lastIndexOf(";");
  const half = semicolon < 0 ? null : name.endsWith(";1") ? 1 : name.endsWith(";2") ? 2 : null;
  const pair = semicolon < 0 ? name : name.slice(0, semicolon);
  const at = rest.indexOf("@");
  return { tech: "Local", peer: at < 0 ? rest : rest.slice(0, at), kind: "local", pair, half };
}

/** The serial is hexadecimal after the last dash; DAHDI adds the number dialled after a slash. */
function peerOf(rest: string): string {
  const dash = rest.lastIndexOf("-");
  const bare = dash > 0 && /^[0-9a-f]+(;\d)?$/i.test(rest.slice(dash + 1)) ? rest.slice(0, dash) : rest;
  const slash = bare.indexOf("/");
  return slash > 0 ? bare.slice(0, slash) : bare;
}

/** The zombie a masquerade leaves behind keeps a real channel's name for a moment. */
export function isMasqueradeName(name: string): boolean {
  return name.includes("<MASQ>") || name.includes("<ZOMBIE>");
}

export interface DialTarget {
  tech: string;
  peer: string;
  /** The number asked of the peer, when the target names one. */
  number: string | null;
}

/** `PJSIP/067@trunk-a`, `SIP/trunk/067`, `PJSIP/150/sip:150@10.0.0.1`, `Local/150@ctx/n`, with or without technology. */
export function parseDialTarget(text: string, tech = ""): DialTarget | null {
  const withTech =
    /^(PJSIP|SIP|IAX2|DAHDI|Local|SCCP|Skinny|MGCP|H323|OOH323|Motif|Console|Mobile|Dongle|Quectel)\/(.+)$/i.exec(
      text.trim(),
    );
  const body = withTech?.[2] ?? text.trim();
  if (body === "") return null;
  const kind = withTech?.[1] ?? tech;
  const [first = "", second] = splitFirst(body, "/");
  const at = first.indexOf("@");
  if (kind === "Local") return { tech: kind, peer: at < 0 ? first : first.slice(0, at), number: null };
  if (at >= 0) return { tech: kind, peer: first.slice(at + 1), number: first.slice(0, at) };
  if (second === undefined || second.startsWith("sip:")) return { tech: kind, peer: first, number: null };
  const [number = ""] = splitFirst(second, "/");
  return { tech: kind, peer: first, number: isNumber(number) && number !== first ? number : null };
}

/** Targets of a Dial application's arguments: `A&B&C,timeout,options`. */
export function parseDialArguments(data: string): DialTarget[] {
  const [targets = ""] = splitFirst(data, ",");
  return targets
    .split("&")
    .map((target) => parseDialTarget(target))
    .filter((target) => target !== null);
}

function splitFirst(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** A telephone number of any length. */
export function isNumber(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && /^[+*#]?\d[\d*#]*$/.test(text);
}

/** A number short enough to be dialled inside the company. */
export function isInternalNumber(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && /^\d{2,5}$/.test(text);
}

/** A number only the outside world can have. */
export function isExternalNumber(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && /^(\+\d{5,}|\d{6,})$/.test(text);
}

/** The extension inside a Local channel's or follow-me chain's name: `FMPR-156`, `RG-600-150`, `150` -> `150`. */
export function internalNumberIn(text: string): string | null {
  if (isInternalNumber(text)) return text;
  const tail = /(?:^|[^\dA-Za-z])(\d{2,5})#?$/.exec(text);
  return tail?.[1] ?? null;
}

/** Caller-id headers that mean "nobody knows". */
export function knownText(text: string | undefined): string | null {
  if (text === undefined || text === "" || text === "<unknown>" || text === "<none>" || text === "(null)") return null;
  return text;
}

/** Names come with quotes and backslashes escaped twice: by SIP, whose escapes Asterisk keeps, and by AMI, as C does. */
export function unescapeName(text: string): string {
  const once = (escaped: string): string => escaped.replace(/\\(["\\'])/g, "$1");
  return once(once(text));
}
