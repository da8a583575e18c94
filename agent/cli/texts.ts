/** Everything the agent's commands say to people, in each language. The log and `--json` are English always. */
export const LANGUAGES = ["en", "ru"] as const;
export type Language = (typeof LANGUAGES)[number];

const en = {
  description: "Listens to one Asterisk and forwards what happens on its calls to the Ringpost server.",
  run: "run the agent until it is stopped (SIGTERM or Ctrl-C)",
  status: "tell how the running agent is; exit status 0: well, 1: warning, 2: critical or not running",
  config: "settings (TOML); every setting can also come from the environment",
  json: "print JSON, for programs",
  lang: "language of the texts",
  help: "show help",
  helpCommand: "show help for a command",
  versionOption: "print the version",
  titles: {} as Record<string, string>,
  examplesTitle: "Examples:",
  exits: "Exit status: 0 good, 1 warning, 2 critical, 78 wrong settings or command line.",
  seeHelp: (command: string) => `See: ${command} --help`,
  usage: { options: "[options]", command: "[command]" },
  choices: (words: string) => `(choices: ${words})`,
  preset: (value: string) => `(default: ${value})`,
  badConfiguration: "The settings cannot be used:",
  notRunning: (path: string) => `The agent of ${path} does not run. Calls are not being recorded.`,
  noOutbox: "There is no outbox file yet: the agent has never run with these settings.",
  outboxLeft: (bytes: string, at: string) => `Its outbox holds ${bytes}, last written ${at}. Nothing in it is lost.`,
  levels: { ok: "OK", warning: "WARNING", critical: "CRITICAL" },
  agent: (version: string, pid: number, uptime: string, memory: string) =>
    `agent ${version}, process ${pid}, up ${uptime}, memory ${memory}`,
  labels: { agent: "Agent", ami: "Asterisk", server: "Server", outbox: "Outbox" },
  ami: { connecting: "connecting", connected: "connected", refused: "refused", lost: "not connected" },
  server: { connecting: "connecting", ok: "takes events", unreachable: "cannot be reached", refused: "refuses" },
  since: (state: string, where: string, time: string) => `${state} (${where}), for ${time}`,
  waitingNone: (bytes: string) => `nothing waits, ${bytes} on disk`,
  waiting: (count: number, age: string, bytes: string) =>
    `${count} events wait, the oldest for ${age}, ${bytes} on disk`,
  drains: (time: string) => `About ${time} until all is sent.`,
  units: { day: "d", hour: "h", minute: "min", second: "s" },
};

export type Texts = typeof en;

const ru: Texts = {
  description: "Слушает один Asterisk и передаёт события его звонков на сервер Ringpost.",
  run: "запустить агента; работает до остановки (SIGTERM или Ctrl-C)",
  status: "состояние работающего агента; код выхода 0: всё хорошо, 1: предупреждение, 2: критично или не работает",
  config: "настройки (TOML); каждую можно задать и переменной окружения",
  json: "вывести JSON для программ",
  lang: "язык текстов",
  help: "показать справку",
  helpCommand: "показать справку по команде",
  versionOption: "напечатать версию",
  titles: { "Usage:": "Использование:", "Options:": "Параметры:", "Commands:": "Команды:" },
  examplesTitle: "Примеры:",
  exits: "Код выхода: 0 хорошо, 1 предупреждение, 2 критично, 78 ошибка в настройках.",
  seeHelp: (command) => `Справка: ${command} --help`,
  usage: { options: "[параметры]", command: "[команда]" },
  choices: (words) => `(одно из: ${words})`,
  preset: (value) => `(если не задать: ${value})`,
  badConfiguration: "С такими настройками работать нельзя:",
  notRunning: (path) => `Агент с очередью ${path} не работает. Звонки не записываются.`,
  noOutbox: "Файла очереди ещё нет: с этими настройками агент не запускался.",
  outboxLeft: (bytes, at) => `В его очереди ${bytes}, последняя запись ${at}. Из неё ничего не потеряно.`,
  levels: { ok: "ХОРОШО", warning: "ВНИМАНИЕ", critical: "КРИТИЧНО" },
  agent: (version, pid, uptime, memory) => `агент ${version}, процесс ${pid}, работает ${uptime}, память ${memory}`,
  labels: { agent: "Агент", ami: "Asterisk", server: "Сервер", outbox: "Очередь" },
  ami: { connecting: "подключается", connected: "подключён", refused: "отказывает", lost: "нет связи" },
  server: { connecting: "подключается", ok: "принимает события", unreachable: "недоступен", refused: "отказывает" },
  since: (state, where, time) => `${state} (${where}), уже ${time}`,
  waitingNone: (bytes) => `ничего не ждёт отправки, на диске ${bytes}`,
  waiting: (count, age, bytes) => `ждут отправки: ${count}, самое старое уже ${age}, на диске ${bytes}`,
  drains: (time) => `Всё уйдёт примерно за ${time}.`,
  units: { day: "д", hour: "ч", minute: "мин", second: "с" },
};

export const TEXTS: Record<Language, Texts> = { en, ru };
