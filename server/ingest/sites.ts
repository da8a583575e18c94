import { timingSafeEqual } from "node:crypto";
import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import { readDeliverySettings } from "../deliver/settings.ts";
import { findSite, type SiteRow } from "../store/findSite.ts";
import { openStream } from "../store/openStream.ts";
import type { StreamKind } from "../store/readStreams.ts";
import { readDirectory } from "./directory.ts";
import { INGEST_LIMITS } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import { hashSiteKey, siteOfKey } from "./site-key.ts";
import type { SiteContext } from "./types.ts";

interface Remembered {
  readAt: number;
  site: SiteContext | undefined;
  keyHashes: Buffer[];
}

/** Who may send, and as whom. Remembers sites and streams for a short, bounded while. */
export class Sites {
  readonly #pool: Pool;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #sites = new Map<number, Remembered>();
  readonly #streams = new Map<string, { id: number; siteId: number }>();

  constructor(pool: Pool, log: Logger, now: () => number) {
    this.#pool = pool;
    this.#log = log;
    this.#now = now;
  }

  /** The site whose key this is. @throws Refusal 401, which never says whether the site exists. */
  async authenticate(authorization: string | undefined): Promise<SiteContext> {
    const key = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    const siteId = key === undefined ? undefined : siteOfKey(key);
    if (key === undefined || siteId === undefined) throw keyRefused();
    const hash = hashSiteKey(key);
    let known = await this.#site(siteId, INGEST_LIMITS.siteCacheMsMax);
    if (!matches(known, hash)) known = await this.#site(siteId, INGEST_LIMITS.siteRereadMsMin);
    if (!matches(known, hash) || known.site === undefined) throw keyRefused();
    return known.site;
  }

  /** The stream's number. @throws Refusal 403 when it is another site's. */
  async stream(uuid: string, site: SiteContext, kind: StreamKind): Promise<number> {
    let stream = this.#streams.get(uuid);
    if (stream === undefined) {
      stream = await openStream(this.#pool, uuid, site.id, kind);
      remember(this.#streams, uuid, stream, INGEST_LIMITS.streamsCachedMax);
    }
    if (stream.siteId !== site.id) throw foreignStream(uuid, site);
    return stream.id;
  }

  /** Streams are looked up again: the database may be another than it was. */
  forgetStreams(): void {
    this.#streams.clear();
  }

  async #site(siteId: number, ageMsMax: number): Promise<Remembered> {
    const known = this.#sites.get(siteId);
    if (known !== undefined && this.#now() - known.readAt < ageMsMax) return known;
    const row = await findSite(this.#pool, siteId);
    const read = {
      readAt: this.#now(),
      site: row === undefined ? undefined : this.#context(row),
      keyHashes: row?.keyHashes ?? [],
    };
    remember(this.#sites, siteId, read, INGEST_LIMITS.sitesCachedMax);
    return read;
  }

  #context(row: SiteRow): SiteContext {
    const { id, enterpriseId, token, host, clockSkewMs, settings } = row;
    const { directory, problem } = readDirectory(row);
    if (problem !== undefined) this.#log.warn({ enterprise: enterpriseId, problem }, "a setting cannot be used");
    return { id, enterpriseId, token, host, clockSkewMs, directory, delivery: readDeliverySettings(settings) };
  }
}

/** Compares with every valid key in constant time each, so that rotation works and time tells nothing. */
function matches({ keyHashes }: Remembered, hash: Buffer): boolean {
  let found = false;
  for (const known of keyHashes) if (timingSafeEqual(known, hash)) found = true;
  return found;
}

function remember<K, V>(map: Map<K, V>, key: K, value: V, sizeMax: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > sizeMax && oldest !== undefined) map.delete(oldest);
}

function keyRefused(): Refusal {
  const message =
    "the site key is wrong or was revoked: put the key that `server -- site add` printed into [server] key";
  return new Refusal(401, { error: "key_refused", message });
}

function foreignStream(uuid: string, site: SiteContext): Refusal {
  const message =
    `stream ${uuid} belongs to another site than ${site.id}: was its outbox file copied from there? ` +
    "Start the agent with an outbox of its own; nothing of this batch was stored";
  return new Refusal(403, { error: "foreign_stream", message });
}
