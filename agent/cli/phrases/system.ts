import { phrase } from "./phrase.ts";

const NOT_TRUSTED = [
  "For a certificate of your own authority set [server] ca_file (install: --ca-file)",
  "Если центр сертификации свой, задайте [server] ca_file (при установке --ca-file)",
] as const;
const ROOM = ["Make room there: df -h", "Освободите место: df -h"] as const;
const AS_ROOT = ["Run it as root: sudo ringpost-agent ...", "Запустите от root: sudo ringpost-agent ..."] as const;

/** What the operating system, TLS and SQLite say, by their codes. */
export const SYSTEM_PHRASES = [
  phrase(
    /^connect ECONNREFUSED(?: (\S+))?$/,
    "nobody listens there (ECONNREFUSED)",
    "там никто не слушает (ECONNREFUSED)",
  ),
  phrase(/^connect (ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)(?: .*)?$/, "no way there ($1)", "туда нет пути ($1)"),
  phrase(/^(?:read|write) (ECONNRESET|EPIPE|ETIMEDOUT).*$/, "the connection was cut ($1)", "соединение оборвано ($1)"),
  phrase(/^(?:ECONNRESET: )?socket hang up$/, "the connection was cut", "соединение оборвано"),
  phrase(
    /^(?:getaddrinfo|query\w*) (ENOTFOUND|EAI_AGAIN|ENODATA|ESERVFAIL)(?: (\S+))?$/,
    "the name $2 does not resolve ($1)",
    "имя $2 не разрешается ($1)",
    ["Check the name, and /etc/resolv.conf of this machine", "Проверьте имя и /etc/resolv.conf на этой машине"],
  ),
  phrase(/^no (?:connection|answer) within ([\d.]+) s$/, "no answer within $1 s", "нет ответа за $1 с"),
  phrase(
    /^(?:(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN): )?self-signed certificate.*$/,
    "its certificate is self-signed",
    "его сертификат самоподписанный",
    NOT_TRUSTED,
  ),
  phrase(
    /^(?:(UNABLE_TO_\w+): )?unable to (?:verify the first certificate|get (?:local )?issuer certificate).*$/,
    "its certificate is of an unknown authority",
    "его сертификат от неизвестного центра сертификации",
    NOT_TRUSTED,
  ),
  phrase(
    /^(?:CERT_HAS_EXPIRED: )?certificate has expired$/,
    "its certificate has expired",
    "срок его сертификата истёк",
    [
      "Renew the server's certificate; check this machine's date",
      "Обновите сертификат сервера; проверьте дату этой машины",
    ],
  ),
  phrase(
    /^(?:ERR_TLS_CERT_ALTNAME_INVALID: )?Hostname\/IP does not match certificate's altnames: (.*)$/s,
    "its certificate is for another name: $1",
    "его сертификат для другого имени: $1",
    [
      "Check [server] url: it must be a name the certificate is for",
      "Проверьте [server] url: это должно быть имя из сертификата",
    ],
  ),
  phrase(/^.*wrong version number.*$/s, "what answers there is not TLS", "там отвечает не TLS", [
    "Check the port in [server] url",
    "Проверьте порт в [server] url",
  ]),
  phrase(
    /^the disk of (\S+) is full \((.+?)\): new events.*$/s,
    "the disk of $1 is full; new events are kept in memory",
    "диск с $1 полон; новые события держатся в памяти",
    ROOM,
  ),
  phrase(
    /^the outbox (\S+) cannot be written \((.+?)\): new events.*$/s,
    "the outbox $1 cannot be written: $2; new events are kept in memory",
    "очередь $1 не записывается: $2; новые события держатся в памяти",
  ),
  phrase(/^(?:ENOSPC|EDQUOT|SQLITE_FULL)(?:: .*)?$/s, "no space left", "нет места на диске", ROOM),
  phrase(/^EROFS(?:: .*)?$/s, "the disk is for reading only (EROFS)", "диск только для чтения (EROFS)"),
  phrase(/^(EIO|SQLITE_IOERR\w*)(?:: .*)?$/s, "the disk fails ($1)", "диск сбоит ($1)"),
  phrase(/^(?:SQLITE_CANTOPEN\w*)(?:: .*)?$/s, "the outbox cannot be opened", "очередь не открывается", AS_ROOT),
  phrase(/^(?:SQLITE_BUSY\w*)(?:: .*)?$/s, "the outbox is in use", "очередь занята"),
  phrase(/^(?:SQLITE_(?:CORRUPT\w*|NOTADB))(?:: .*)?$/s, "the outbox is damaged", "очередь повреждена"),
  phrase(/^E(?:ACCES|PERM): [^']*'(.+)'.*$/s, "$1: this user may not", "$1: этому пользователю нельзя", AS_ROOT),
  phrase(/^ENOENT: [^']*'(.+)'.*$/s, "$1: there is no such file", "$1: нет такого файла"),
  phrase(/^(?:(\S+): )?there is no such file$/, null, "$1 нет такого файла"),
];
