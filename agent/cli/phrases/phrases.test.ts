import { describe, expect, it } from "vitest";
import { INGEST_PATH } from "../../../shared/wire-constants.ts";
import { ConfigurationError, type RingpostError } from "../../../shared/errors.ts";
import { readGreeting, silentPort } from "../../ami/greeting.ts";
import type { Answer } from "../../forward/post.ts";
import { judge } from "../../forward/verdict.ts";
import { describeStorage } from "../../outbox/failure.ts";
import { SETTINGS } from "../../settings.ts";
import { findAsterisk } from "../../install/asterisk.ts";
import { say, sayError, saySettings } from "./phrases.ts";

const RUSSIAN = /[а-яё]{2}/i;
/** A run of English words: names, codes and settings are no sentence. */
const ENGLISH = /\b(the|is|of|and|not|to|with|for|this|that|cannot)\b/;

const where = "127.0.0.1:5038";
const greetings = [
  "HTTP/1.1 400 Bad Request",
  "SSH-2.0-OpenSSH_9",
  "SIP/2.0 200 OK",
  "220 mail ESMTP",
  "* OK ready",
  "\u0016\u0003",
  "Hello!",
  "Asterisk Call Manager/1.3",
].map((text) => {
  const greeting = readGreeting(text, where);
  return "problem" in greeting ? greeting.problem : "";
});

const refused = (status: number, message?: string): Answer => ({
  kind: "refused",
  status,
  problem: message === undefined ? null : { error: "e", message },
  retryAfterMs: 0,
});
const failed = (reason: string): Answer => ({ kind: "failed", reason });
const answers = [
  refused(401, "the site key is wrong or was revoked: put the key that `server -- site add` printed into [server] key"),
  refused(403, "stream 1 belongs to another site than 2: was its outbox file copied from there? Start"),
  refused(426, 'this server speaks version 2 of the protocol, the agent "1": install'),
  refused(404),
  refused(503, "too many events wait to be written: send again"),
  refused(500, "the database did not take the batch (x): send again"),
  ...[
    "connect ECONNREFUSED 10.0.0.1:443",
    "connect EHOSTUNREACH 10.0.0.1:443",
    "read ECONNRESET",
    "ECONNRESET: socket hang up",
    "getaddrinfo ENOTFOUND calls.example.com",
    "getaddrinfo EAI_AGAIN calls.example.com",
    "no connection within 10 s",
    "no answer within 30 s",
    "DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate",
    "SELF_SIGNED_CERT_IN_CHAIN: self-signed certificate in certificate chain",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE: unable to verify the first certificate",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unable to get local issuer certificate",
    "CERT_HAS_EXPIRED: certificate has expired",
    "ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match certificate's altnames: Host: r. is not cert's CN: q",
  ].map(failed),
].map((answer) => {
  const verdict = judge(answer as Exclude<Answer, { kind: "reply" }>, 5, `https://r${INGEST_PATH}`);
  return "problem" in verdict ? verdict.problem : "";
});

const problems = [
  ...greetings,
  silentPort(where, 5_000).problem,
  `cannot connect to AMI at ${where}: no answer within 10 s. Check that Asterisk runs, and [general] enabled`,
  `${where} closed the connection before saying anything (Asterisk closed the connection). Check that manager.conf`,
  `AMI at ${where} refused the login of ringpost (Authentication failed). Check [ami] username`,
  `AMI at ${where} refused the login of ringpost (Login Already In Use). manager.conf allows one login at a time`,
  "the AMI connection was lost: no answer to Ping for 15 s. The agent keeps trying",
  "Asterisk refuses CoreSettings (Permission denied), Status (Permission denied): after an interruption the agent",
  ...answers,
  describeStorage("full", "/var/lib/ringpost/outbox.db", "ENOSPC"),
  describeStorage("other", "/var/lib/ringpost/outbox.db", "EROFS"),
  describeStorage("other", "/var/lib/ringpost/outbox.db", "SQLITE_IOERR_FSYNC"),
];

describe("what the agent has to say in its own words", () => {
  it.each(problems)("is said in Russian, and shortly in English: %s", (problem) => {
    const [russian, english] = [say(problem, "ru"), say(problem, "en")];
    expect(russian.text).toMatch(RUSSIAN);
    expect(russian.text.replaceAll(/Host: .*$/g, "")).not.toMatch(ENGLISH);
    expect(english.text).not.toMatch(/\$\d|undefined|Check |Add |Events are kept|keeps trying/);
    expect(russian.next === undefined).toBe(english.next === undefined);
    expect(russian.next ?? "ничего").toMatch(RUSSIAN);
  });

  it("gives the advice for just that: a certificate, another port, an old Asterisk", () => {
    const nextOf = (part: string) => say(problems.find((problem) => problem.includes(part)) ?? "", "en").next;
    expect(nextOf("self-signed certificate in")).toContain("ca_file");
    expect(nextOf("an SSH server")).toContain("[ami] port");
    expect(nextOf("Asterisk 11")).toContain("13.5");
    expect(nextOf("belongs to another site")).toContain("[outbox] path");
  });

  it("stays as it is when nobody foresaw it", () => {
    expect(say("a frog sat on the cable", "ru")).toEqual({ text: "a frog sat on the cable", next: undefined });
  });

  it("says what every setting may be", () => {
    const allowed = Object.values(SETTINGS).flatMap((section) => Object.values(section).map(({ allowed }) => allowed));
    for (const words of allowed.filter((one) => / /.test(one) && !/^[a-z]+(, [a-z]+)+$/.test(one)))
      expect([words, say(words, "ru").text]).toEqual([words, expect.stringMatching(/[а-яё]{2}|true/i)]);
    const error = new ConfigurationError([{ setting: "[ami] port", found: "nothing", allowed: "a port, 1 to 65535" }]);
    expect(saySettings(error, "ru")).toEqual(["  [ami] port: указано ничего; допустимо: порт от 1 до 65535"]);
  });

  it("says what a command could not do, and what to do next", () => {
    const missing = (() => {
      try {
        return findAsterisk("/nowhere");
      } catch (error) {
        return error;
      }
    })();
    expect(sayError(missing, "ru")).toMatch(/^Не удалось найти Asterisk \(\/nowhere.*\): нет такого файла\. Запустите/);
    expect(sayError(missing, "en")).toBe((missing as RingpostError).message);
  });
});
