import { phrase } from "./phrase.ts";

/** Why the agent does not hear Asterisk (agent/ami). */
export const AMI_PHRASES = [
  phrase(
    /^cannot connect to AMI at (\S+): (.+?)\. Check that Asterisk runs.*$/s,
    "no connection to AMI at $1: $2",
    "нет соединения с AMI $1: $2",
    [
      "Check that Asterisk runs, and [general] enabled, bindaddr and port in manager.conf",
      "Проверьте, работает ли Asterisk, и [general] enabled, bindaddr и port в manager.conf",
    ],
  ),
  phrase(
    /^(\S+) closed the connection before saying anything \((.+)\)\. Check.*$/s,
    "$1 closed the connection before saying anything",
    "$1 закрыл соединение, ничего не сказав",
    ["Check that manager.conf permits this machine's address", "Проверьте, что manager.conf пускает адрес этой машины"],
  ),
  phrase(
    /^(\S+) is an Asterisk 11 or older \(AMI ([\d.]+)\).*$/s,
    "$1 is an Asterisk 11 or older (AMI $2)",
    "$1: Asterisk 11 или старше (AMI $2)",
    [
      "Ringpost needs Asterisk 13.5 or newer: older ones do not tell which channels belong to one call",
      "Нужен Asterisk 13.5 или новее: старые не говорят, какие каналы составляют один звонок",
    ],
  ),
  phrase(
    /^(\S+) is not an Asterisk manager port but (.+?)\. Set \[ami\] port.*$/s,
    "$1 is not an Asterisk manager port but $2",
    "$1 не порт AMI, там $2",
    [
      "Set [ami] port to the port of manager.conf (5038 unless changed)",
      "Укажите в [ami] port порт из manager.conf (5038, если не меняли)",
    ],
  ),
  phrase(
    /^(\S+) accepted the connection and said nothing for (\d+) s.*$/s,
    "$1 accepted the connection and said nothing for $2 s",
    "$1 принял соединение и молчал $2 с",
    [
      "It is not AMI, or Asterisk hangs: check [ami] port against manager.conf, and that AMI there is not behind TLS",
      "Это не AMI, или Asterisk завис: сверьте [ami] port с manager.conf; AMI не должен быть за TLS",
    ],
  ),
  phrase(
    /^AMI at (\S+) refused the login of (\S+) \((.+?)\)\. manager\.conf allows one login.*$/s,
    "AMI at $1 refused the login of $2: $3",
    "AMI $1 не пустил пользователя $2: $3",
    [
      "Somebody else is logged in as this user, and manager.conf allows one login at a time: give the agent a user of its own (`ringpost-agent install` makes one)",
      "Под этим пользователем вошёл кто-то другой, а manager.conf допускает один вход: дайте агенту своего пользователя (его делает `ringpost-agent install`)",
    ],
  ),
  phrase(
    /^AMI at (\S+) refused the login of (\S+) \((.+?)\)\. Check.*$/s,
    "AMI at $1 refused the login of $2: $3",
    "AMI $1 не пустил пользователя $2: $3",
    [
      "`ringpost-agent install` again repairs the AMI user; else compare [ami] username and secret with manager.conf, its permit and deny lines too",
      "Повторная `ringpost-agent install` починит пользователя AMI; иначе сверьте [ami] username и secret с manager.conf, и строки permit и deny",
    ],
  ),
  phrase(
    /^the AMI connection was lost: (.+?)\. The agent keeps trying$/s,
    "the AMI connection was lost: $1",
    "связь с AMI потеряна: $1",
  ),
  phrase(
    /^the AMI connection to (\S+) ended: (.+)$/s,
    "the AMI connection to $1 ended: $2",
    "соединение с AMI $1 прервано: $2",
  ),
  phrase(
    /^Asterisk refuses (.+?): after an interruption.*$/s,
    "Asterisk refuses $1: after an interruption the agent cannot tell which calls ended meanwhile",
    "Asterisk отказывает в $1: после перерыва агент не узнает, какие звонки тем временем закончились",
  ),
  phrase(/^Asterisk closed the connection$/, null, "Asterisk закрыл соединение"),
  phrase(/^no answer to (\w+) for (\d+) s$/, null, "нет ответа на $1 уже $2 с"),
  phrase(/^the agent stops$/, null, "агент останавливается"),
  phrase(/^no reason given$/, null, "без объяснения"),
  phrase(/^Authentication failed$/, null, "неверное имя или секрет"),
  phrase(/^Permission denied$/, null, "нет прав"),
  phrase(/^([A-Z]\w+) \(Permission denied\)(?:, (.+))?$/s, null, "$1 (нет прав) $2"),
  phrase(/^a web server \(HTTP\)$/, null, "веб-сервер (HTTP)"),
  phrase(/^an SSH server$/, null, "сервер SSH"),
  phrase(/^a SIP server$/, null, "сервер SIP"),
  phrase(/^a mail or FTP server$/, null, "почтовый сервер или FTP"),
  phrase(/^a mail server$/, null, "почтовый сервер"),
  phrase(/^a server of another protocol \(TLS, perhaps\)$/, null, "сервер другого протокола (возможно, TLS)"),
  phrase(/^something that says (.+)$/s, null, "что-то, что говорит $1"),
];
