import { phrase } from "./phrase.ts";

const NEW_KEY = [
  "Ask for a new code (server -- site invite), then: ringpost-agent uninstall and install, or the new key into [server] key. Nothing is lost meanwhile",
  "Попросите новый код (server -- site invite), затем ringpost-agent uninstall и install или новый ключ в [server] key. За это время ничего не теряется",
] as const;

/** Why the server does not take events, or refused a request (agent/forward, and what the server itself says). */
export const SERVER_PHRASES = [
  phrase(
    /^the server (\S+) cannot be reached: (.+?)\. Events are kept.*$/s,
    "$1 cannot be reached: $2",
    "$1 недоступен: $2",
  ),
  phrase(
    /^the server (\S+) is busy or broken \((.+?)\)\. Events are kept.*$/s,
    "$1 is busy or broken: $2",
    "$1 занят или неисправен: $2",
    [
      "Tell whoever runs the server. Events are kept and sent later",
      "Сообщите тому, кто ведёт сервер. События хранятся и уйдут позже",
    ],
  ),
  phrase(
    /^the server (\S+) took a batch and acked nothing of it.*$/s,
    "$1 took a batch and acked nothing of it",
    "$1 принял пакет и ничего не подтвердил",
  ),
  phrase(
    /^the server (\S+) refuses the site key \((.+?)\)\. Events are kept.*$/s,
    "$1 refuses the site key: $2",
    "$1 не принимает ключ площадки: $2",
    NEW_KEY,
  ),
  phrase(
    /^the server (\S+) does not speak version (\d+) of the protocol \((.+?)\)\. Events are kept.*$/s,
    "$1 does not speak version $2 of the protocol",
    "$1 не знает версии $2 протокола",
    [
      "Update whichever of agent and server is older. Events are kept",
      "Обновите то, что старше: агента или сервер. События хранятся",
    ],
  ),
  phrase(
    /^what answers at (\S+) is not a Ringpost server \((.+?)\)\. Events are kept.*$/s,
    "what answers at $1 is not a Ringpost server: $2",
    "по адресу $1 отвечает не сервер Ringpost: $2",
    [
      "Check [server] url and any proxy on the way. Events are kept",
      "Проверьте [server] url и прокси по пути. События хранятся",
    ],
  ),
  phrase(/^HTTP (\d+): (.+)$/s, "$2 (HTTP $1)", "$2 (HTTP $1)"),
  phrase(
    /^the site key is wrong or was revoked: .*$/s,
    "the key is wrong or revoked",
    "ключ неверен или отозван",
    NEW_KEY,
  ),
  phrase(
    /^stream \S+ belongs to another site than \d+: .*$/s,
    "its outbox is another site's",
    "её очередь принадлежит другой площадке",
    [
      "Was the outbox file copied from another PBX? Give this agent an [outbox] path of its own",
      "Файл очереди скопирован с другой АТС? Дайте этому агенту свой [outbox] path",
    ],
  ),
  phrase(/^too many events wait to be written: send again$/, null, "слишком много событий ждёт записи"),
  phrase(
    /^the database did not take the batch \(.*\): send again$/s,
    "its database takes nothing",
    "его база данных ничего не принимает",
  ),
  phrase(/^this site key is not known, or is revoked$/, null, "ключ неизвестен или отозван", NEW_KEY),
  phrase(
    /^there is no such code: check it letter by letter.*$/,
    null,
    "такого кода нет: проверьте его по буквам или попросите другой (`server -- site invite`)",
  ),
  phrase(/^this code was used already: .*$/, null, "код уже использован: попросите другой (`server -- site invite`)"),
  phrase(/^this code has expired: .*$/, null, "срок кода истёк: попросите другой (`server -- site invite`)"),
  phrase(/^too many wrong codes: wait a minute$/, null, "слишком много неверных кодов: подождите минуту"),
  phrase(
    /^this server speaks version (\d+) of the protocol, the agent "?([^":]+)"?: .*$/,
    null,
    "сервер говорит по версии $1 протокола, агент по версии $2",
  ),
  phrase(/^status (\d+) and no JSON: this is not a Ringpost server$/, null, "код $1 и не JSON: это не сервер Ringpost"),
];
