import type { Texts } from "./texts.ts";

const OVERVIEW = [
  "install --server https://ringpost.example.com --code 7KQM-2WRT-9ZHC-4XPA",
  "status",
  "doctor --lang ru",
  "tail --calls",
];

/** By command, what its help shows; words after `ringpost-agent`. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  run: ["run --config /etc/ringpost/agent.toml"],
  status: ["status", "status --watch", "status --json"],
  doctor: ["doctor", "doctor --json --lang ru"],
  tail: ["tail", "tail --calls", "tail --json"],
  calls: ["calls", "calls --last 100 --json"],
  gaps: ["gaps", "gaps --json"],
  outbox: ["outbox", "outbox fsck"],
  fsck: ["outbox fsck", "outbox fsck --json"],
  logs: ["logs --lines 50", "logs --file /var/log/ringpost-agent.log"],
  config: ["config check", "config show"],
  check: ["config check --config /etc/ringpost/agent.toml"],
  show: ["config show", "config show --json"],
  diagnostics: ["diagnostics --output /tmp/for-support.zip", "diagnostics --with-calls"],
  version: ["version", "version --json"],
  "self-test": ["self-test"],
  install: [
    "install --server https://ringpost.example.com --code 7KQM-2WRT-9ZHC-4XPA --dry-run",
    "install --server https://10.0.0.5:8443 --code 7KQM-2WRT-9ZHC-4XPA --ca-file /etc/ssl/company.pem",
  ],
  uninstall: ["uninstall --dry-run", "uninstall --purge"],
};

export function examplesOf(command: string, { examplesTitle, exits }: Texts): string {
  const lines = (EXAMPLES[command] ?? OVERVIEW).map((words) => `  $ ringpost-agent ${words}`);
  return ["", examplesTitle, ...lines, exits].join("\n");
}
