import PQueue from "p-queue";
import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import type { Command, IngestHeader, IngestReply, SeqRange } from "../../shared/wire.ts";
import { LIMITS } from "../../shared/wire.ts";
import { isHeardSinceStart, reportSite, reportStream } from "../store/reportSite.ts";
import type { Downloads } from "./downloads.ts";
import { INGEST_LIMITS } from "./limits.ts";
import { parseBody } from "./parse.ts";
import { lostOf, settlePutBack } from "./put-back.ts";
import { highest, holesUpTo, parseMultirange, rangesOf, unite, type Ranges } from "./ranges.ts";
import { unpack } from "./read-body.ts";
import { busy } from "./refusal.ts";
import type { Sites } from "./sites.ts";
import type { Batch, IncomingEvent, SiteContext } from "./types.ts";
import type { Writer } from "./writer.ts";

export interface IntakeOptions {
  pool: Pool;
  sites: Sites;
  writer: Writer;
  downloads: Downloads;
  log: Logger;
  now: () => number;
}

/** From a request's body to the reply: unpacks, parses, has it written, and says what the agent may forget. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #parsers = new PQueue({ concurrency: INGEST_LIMITS.parsersMax });
  readonly #reportedAt = new Map<number, number>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** @throws Refusal; nothing of the body was stored then. */
  async accept(site: SiteContext, packed: Buffer, encoding: string | undefined): Promise<IngestReply> {
    const { now } = this.#options;
    const read = async () => {
      const body = await unpack(packed, encoding);
      return { ...(await parseBody(body.toString("utf8"))), bytes: body.length };
    };
    // What is live is small: it does not wait until the backlogs of twenty agents are read.
    const { header, events, bytes } = await this.#parsers.add(read, { priority: -packed.length });
    const receivedAt = now();
    if (header.kind === "file") return this.#acceptRows(site, header, events, bytes);
    const settled =
      events.length === 0 ? await this.#heartbeat(site, header) : await this.#submit(site, header, events, bytes);
    // What waits for the agent's word that the database is no older copy goes out from here on.
    await this.#report(site, header, receivedAt, events.length === 0);
    const commands = commandsFor(header, settled);
    commands.push(...(await this.#options.downloads.exchange(site.id, header.windows)));
    return { acked: ackedOf(events), time: now(), commands, received_to: highest(settled) };
  }

  /**
   * Rows of Asterisk's own files. Only the outbox tells whether the database was put back to an older copy: since PostgreSQL
   * began it must have been heard first. Who sends rows obeys no commands.
   */
  async #acceptRows(
    site: SiteContext,
    header: IngestHeader,
    events: readonly IncomingEvent[],
    bytes: number,
  ): Promise<IngestReply> {
    if (!(await isHeardSinceStart(this.#options.pool, site.id))) {
      // Its next batch says so at once.
      this.#reportedAt.delete(site.id);
      throw busy("the agent's own events are heard first: send again", INGEST_LIMITS.retryAfterSeconds);
    }
    await this.#submit(site, header, events, bytes);
    return { acked: ackedOf(events), time: this.#options.now(), commands: [] };
  }

  async #submit(
    site: SiteContext,
    header: IngestHeader,
    events: readonly IncomingEvent[],
    bytes: number,
  ): Promise<Ranges> {
    const batch = toBatch(site, await this.#streamOf(site, header), header, events, bytes);
    return (await this.#options.writer.submit(batch)).settled;
  }

  #streamOf(site: SiteContext, { stream, kind }: IngestHeader): Promise<number> {
    return this.#options.sites.stream(stream, site, kind ?? "outbox");
  }

  async #heartbeat(site: SiteContext, header: IngestHeader): Promise<Ranges> {
    const { pool, writer, log, sites } = this.#options;
    const { acked, ...report } = reportOf(header);
    let streamId = await this.#streamOf(site, header);
    let standing = await reportStream(pool, { streamId, uuid: header.stream, ...report });
    if (standing === undefined) {
      sites.forgetStreams();
      streamId = await this.#streamOf(site, header);
      standing = await reportStream(pool, { streamId, uuid: header.stream, ...report });
    }
    if (standing === undefined) throw new Error(`stream ${header.stream} of site ${site.id} vanished`);
    const [received, filled] = [parseMultirange(standing.received), parseMultirange(standing.filled)];
    const missing = lostOf(acked, { received, filled, ackedBefore: parseMultirange(standing.ackedBefore) });
    if (missing.length > 0) await settlePutBack(pool, log, { siteId: site.id, streamId, acked, missing });
    writer.review(site);
    return unite(received, filled);
  }

  /** Never rejects: what an agent says of itself is no reason to refuse its events. */
  async #report(site: SiteContext, header: IngestHeader, receivedAt: number, isHeartbeat: boolean): Promise<void> {
    const { pool, log } = this.#options;
    if (!isHeartbeat && receivedAt - (this.#reportedAt.get(site.id) ?? 0) < INGEST_LIMITS.reportMsMin) return;
    this.#reportedAt.set(site.id, receivedAt);
    const { ami, asterisk_version, problem, outbox_bytes } = header.report;
    try {
      await reportSite(pool, {
        siteId: site.id,
        agentVersion: header.agent,
        ami,
        asteriskVersion: asterisk_version ?? null,
        problem: problem ?? null,
        outboxBytes: Math.min(outbox_bytes, Number.MAX_SAFE_INTEGER),
        clockSkewMs: header.sent_at - receivedAt,
      });
    } catch (error) {
      log.warn({ err: error, site: site.id }, "the site's report was not noted");
    }
  }
}

function reportOf({ kind, highest_seq, oldest_unacked, waiting, acked = [] }: IngestHeader): Batch["report"] {
  return {
    acked: kind === "file" ? [] : acked,
    highestSeq: highest_seq,
    oldestUnacked: oldest_unacked,
    waiting: Math.min(waiting, Number.MAX_SAFE_INTEGER),
  };
}

/** The same seq twice in one batch: once when it is the same event, else the first counts and the others are set aside. */
function toBatch(
  site: SiteContext,
  streamId: number,
  header: IngestHeader,
  all: readonly IncomingEvent[],
  bytes: number,
): Batch {
  const events: IncomingEvent[] = [];
  const unusable: Batch["unusable"] = [];
  const detail = "two events under this seq came in one batch";
  for (const event of all) {
    const before = events.at(-1);
    if (before?.seq !== event.seq) events.push(event);
    else if (!before.digest.equals(event.digest)) unusable.push({ event, reason: "conflict", detail });
  }
  return {
    site,
    streamId,
    streamUuid: header.stream,
    lane: header.lane,
    span: header.span,
    report: reportOf(header),
    events,
    unusable,
    bytes,
  };
}

function ackedOf(events: readonly IncomingEvent[]): SeqRange[] {
  return rangesOf(events.map(({ seq }) => seq));
}

/** What the agent believes acked but this database does not have: a backup was restored, so it is asked for again. */
function commandsFor(header: IngestHeader, settled: Ranges): Command[] {
  const ackedTo = (header.oldest_unacked ?? header.highest_seq + 1) - 1;
  const ranges = holesUpTo(settled, ackedTo, LIMITS.rangesPerCommandMax);
  return ranges.length === 0 ? [] : [{ do: "resend_ranges", ranges }];
}
