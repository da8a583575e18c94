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
  examples: `
Examples:
  $ npm run -s agent -- run --config /etc/ringpost/agent.toml
  $ npm run -s agent -- status --config /etc/ringpost/agent.toml
  $ npm run -s agent -- status --config agent.toml --json
  $ RINGPOST_AGENT_AMI_SECRET=... npm run -s agent -- run --config agent.toml

A settings file:
  [server]
  url = "https://ringpost.example.com"
  key = "rp_1_..."
  [ami]
  host = "127.0.0.1"
  port = 5038
  username = "ringpost"
  secret = "..."
  [outbox]
  path = "/var/lib/ringpost/outbox.db"
  [live]
  window_seconds = 15`,
  badConfiguration: "The settings cannot be used:",
  problemLine: (setting: string, found: string, allowed: string) => `  ${setting}: found ${found}; allowed: ${allowed}`,
  notRunning: (path: string) => `The agent of ${path} does not run. Calls are not being recorded.`,
  noOutbox: "There is no outbox file yet: the agent has never run with these settings.",
  outboxLeft: (bytes: string, at: string) => `Its outbox holds ${bytes}, last written ${at}. Nothing in it is lost.`,
  levels: { ok: "OK", warning: "WARNING", critical: "CRITICAL" },
  agent: (version: string, pid: number, uptime: string, memory: string) =>
    `agent ${version}, process ${pid}, up ${uptime}, memory ${memory}`,
  labels: { agent: "Agent", ami: "Asterisk", server: "Server", outbox: "Outbox", problem: "Problem" },
  ami: { connecting: "connecting", connected: "connected", refused: "refused", lost: "not connected" },
  server: { connecting: "connecting", ok: "takes events", unreachable: "cannot be reached", refused: "refuses" },
  since: (state: string, where: string, time: string) => `${state} (${where}), for ${time}`,
  clockAhead: (seconds: number) => `The PBX's clock is ${seconds} s ahead of the agent's (negative: behind).`,
  waitingNone: (bytes: string) => `nothing waits, ${bytes} on disk`,
  waiting: (count: number, age: string, bytes: string) =>
    `${count} events wait, the oldest for ${age}, ${bytes} on disk`,
  drains: (time: string) => `About ${time} until all is sent.`,
  setAside: (count: number) => `${count} events the server refused are set aside in the outbox.`,
  lost: (count: number) =>
    `${count} events were lost for want of room since the agent started; the server knows the gap.`,
  unwritten: (count: number) => `${count} events are held in memory only.`,
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
  examples: `
Примеры:
  $ npm run -s agent -- run --config /etc/ringpost/agent.toml
  $ npm run -s agent -- status --config /etc/ringpost/agent.toml --lang ru
  $ npm run -s agent -- status --config agent.toml --json
  $ RINGPOST_AGENT_AMI_SECRET=... npm run -s agent -- run --config agent.toml

Файл настроек:
  [server]
  url = "https://ringpost.example.com"
  key = "rp_1_..."
  [ami]
  host = "127.0.0.1"
  port = 5038
  username = "ringpost"
  secret = "..."
  [outbox]
  path = "/var/lib/ringpost/outbox.db"
  [live]
  window_seconds = 15`,
  badConfiguration: "С такими настройками работать нельзя:",
  problemLine: (setting, found, allowed) => `  ${setting}: указано ${found}; допустимо: ${allowed}`,
  notRunning: (path) => `Агент с очередью ${path} не работает. Звонки не записываются.`,
  noOutbox: "Файла очереди ещё нет: с этими настройками агент не запускался.",
  outboxLeft: (bytes, at) => `В его очереди ${bytes}, последняя запись ${at}. Из неё ничего не потеряно.`,
  levels: { ok: "ХОРОШО", warning: "ВНИМАНИЕ", critical: "КРИТИЧНО" },
  agent: (version, pid, uptime, memory) => `агент ${version}, процесс ${pid}, работает ${uptime}, память ${memory}`,
  labels: { agent: "Агент", ami: "Asterisk", server: "Сервер", outbox: "Очередь", problem: "Неполадка" },
  ami: { connecting: "подключается", connected: "подключён", refused: "отказывает", lost: "нет связи" },
  server: { connecting: "подключается", ok: "принимает события", unreachable: "недоступен", refused: "отказывает" },
  since: (state, where, time) => `${state} (${where}), уже ${time}`,
  clockAhead: (seconds) => `Часы АТС спешат относительно агента на ${seconds} с (минус: отстают).`,
  waitingNone: (bytes) => `ничего не ждёт отправки, на диске ${bytes}`,
  waiting: (count, age, bytes) => `ждут отправки: ${count}, самое старое уже ${age}, на диске ${bytes}`,
  drains: (time) => `Всё уйдёт примерно за ${time}.`,
  setAside: (count) => `Отложено в очереди событий, от которых сервер отказался: ${count}.`,
  lost: (count) => `С запуска агента потеряно за нехваткой места: ${count}; сервер знает об этом пробеле.`,
  unwritten: (count) => `Только в памяти: ${count}.`,
  units: { day: "д", hour: "ч", minute: "мин", second: "с" },
};

export const TEXTS: Record<Language, Texts> = { en, ru };
