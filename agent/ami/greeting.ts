/** Why the agent cannot listen to an AMI. `refused` waits for a person; `unreachable` heals by itself. */
export interface AmiProblem {
  kind: "refused" | "unreachable";
  /** In plain words, with what to do next. */
  problem: string;
  /** Refused by what may be over at any moment. */
  passing?: boolean;
}

const AMI_GREETING = /^Asterisk Call Manager\/(\d+)\.(\d+)/;
/** Asterisk 11 and older speak AMI 1.x: no Linkedid on channel events, no DialBegin. */
const AMI_MAJOR_MIN = 2;

export type Greeting = { amiVersion: string } | AmiProblem;

const OTHERS: { looks: RegExp; is: string }[] = [
  { looks: /^HTTP\/|^<(!doctype|html)/i, is: "a web server (HTTP)" },
  { looks: /^SSH-/, is: "an SSH server" },
  { looks: /^SIP\/2\.0|^(OPTIONS|INVITE) sip:/i, is: "a SIP server" },
  { looks: /^220[ -]/, is: "a mail or FTP server" },
  { looks: /^\* OK|^\+OK/, is: "a mail server" },
  { looks: /^\p{Cc}\p{Cc}/u, is: "a server of another protocol (TLS, perhaps)" },
];

const SHOWN_CHARACTERS_MAX = 60;

/** Reads what the port said first. AMI says `Asterisk Call Manager/<version>` and nothing else. */
export function readGreeting(text: string, where: string): Greeting {
  const match = AMI_GREETING.exec(text);
  if (match === null) return notAmi(text, where);
  const [, major = "0", minor = "0"] = match;
  if (Number(major) >= AMI_MAJOR_MIN) return { amiVersion: text.trim().slice("Asterisk Call Manager/".length) };
  return {
    kind: "refused",
    problem:
      `${where} is an Asterisk 11 or older (AMI ${major}.${minor}): it does not tell which channels belong to one call. ` +
      "Ringpost needs Asterisk 13.5 or newer",
  };
}

function notAmi(text: string, where: string): AmiProblem {
  const other = OTHERS.find(({ looks }) => looks.test(text));
  const what = other === undefined ? `something that says ${shown(text)}` : other.is;
  return {
    kind: "refused",
    problem: `${where} is not an Asterisk manager port but ${what}. Set [ami] port to the port of manager.conf (5038 unless changed)`,
  };
}

/** The port takes the connection and keeps silent, even when spoken to. */
export function silentPort(where: string, waitedMs: number): AmiProblem {
  return {
    kind: "refused",
    problem:
      `${where} accepted the connection and said nothing for ${Math.round(waitedMs / 1000)} s: it is not an Asterisk manager port, ` +
      "or Asterisk hangs. Check [ami] port against manager.conf, and that AMI there is not behind TLS",
  };
}

function shown(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? "";
  return JSON.stringify(line.length > SHOWN_CHARACTERS_MAX ? `${line.slice(0, SHOWN_CHARACTERS_MAX)}...` : line);
}
