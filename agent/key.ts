import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { KEY_PATH } from "../shared/enrol.ts";
import { messageOf } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { postJson } from "./install/exchange.ts";
import type { Settings } from "./settings.ts";

const CHECK_MS = 10 * 60_000;
const FIRST_CHECK_MS = 5_000;
const KEY_FORMAT = /^rp_\d+_[A-Za-z0-9_-]+$/;

/** The settings are not the agent's to write: a fetched key lies beside the outbox, and says which key it came after. */
const keyFile = (outboxPath: string) => `${outboxPath}.key`;
const named = (key: string) => createHash("sha256").update(key).digest("hex");

/** The key to use: the fetched one, unless the operator has put another into the settings since. */
export function presentKey({ server, outbox }: Settings): string {
  const file = keyFile(outbox.path);
  if (!existsSync(file)) return server.key;
  const [after, key = ""] = readFileSync(file, "utf8").trim().split("\n");
  return after === named(server.key) && KEY_FORMAT.test(key) ? key : server.key;
}

export interface RenewalPorts {
  log: Logger;
  /** From now on this key is used. */
  use(key: string): void;
}

/** Asks the server now and then whether the key is being rotated out, and fetches the next one. */
export class KeyRenewal {
  readonly #settings: Settings;
  readonly #ports: RenewalPorts;
  #key: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: Settings, ports: RenewalPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#key = presentKey(settings);
  }

  start(): void {
    this.#timer = setTimeout(() => {
      void this.check();
      this.#timer = setInterval(() => void this.check(), CHECK_MS);
    }, FIRST_CHECK_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One look. The new key is on the disk before it is used; what fails is tried again at the next look. */
  async check(): Promise<void> {
    const { server, outbox } = this.#settings;
    try {
      const { status, body } = await postJson(server.url, KEY_PATH, { caFile: server.ca_file, key: this.#key });
      const { key } = body;
      if (status !== 200 || typeof key !== "string" || !KEY_FORMAT.test(key)) return;
      const file = keyFile(outbox.path);
      writeFileSync(`${file}.new`, `${named(server.key)}\n${key}\n`, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
      this.#key = key;
      this.#ports.use(key);
      this.#ports.log.info("the site key was rotated: the next one is in use");
    } catch (error) {
      this.#ports.log.debug({ error: messageOf(error) }, "the server was not asked for a new key");
    }
  }
}
