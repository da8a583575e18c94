import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import type { Command, WindowReport } from "../../shared/wire.ts";
import { exchangeDownloads } from "../store/downloads.ts";
import { INGEST_LIMITS } from "./limits.ts";

interface Looked {
  at: number;
  told: string;
}

/** Windows that agents are asked to send again: handed over with a reply, and told of with every request. */
export class Downloads {
  readonly #pool: Pool;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #looked = new Map<number, Looked>();

  constructor(pool: Pool, log: Logger, now: () => number) {
    this.#pool = pool;
    this.#log = log;
    this.#now = now;
  }

  /** What to ask of the site's agent now. A failure costs nothing but time: the next request asks again. */
  async exchange(siteId: number, reports: readonly WindowReport[] | undefined): Promise<Command[]> {
    const told = JSON.stringify(reports ?? null);
    if (this.#isFresh(siteId, told)) return [];
    try {
      const windows = await exchangeDownloads(this.#pool, siteId, reports);
      return windows.map((window): Command => ({ do: "resend_window", ...window }));
    } catch (error) {
      this.#looked.delete(siteId);
      this.#log.warn({ err: error, site: siteId }, "downloads were not looked at; the next request does");
      return [];
    }
  }

  /** Whether the same was told a moment ago; notes that it is told now. */
  #isFresh(siteId: number, told: string): boolean {
    const before = this.#looked.get(siteId);
    const at = this.#now();
    if (before?.told === told && at - before.at >= 0 && at - before.at < INGEST_LIMITS.downloadsLookMsMin) return true;
    this.#looked.delete(siteId);
    this.#looked.set(siteId, { at, told });
    const [oldest] = this.#looked.keys();
    if (this.#looked.size > INGEST_LIMITS.sitesCachedMax && oldest !== undefined) this.#looked.delete(oldest);
    return false;
  }
}
