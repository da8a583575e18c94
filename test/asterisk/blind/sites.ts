import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addSite } from "../../../server/store/addSite.ts";
import type { GapCause } from "../../../shared/ami-event.ts";
import { listGaps } from "../../../server/store/listGaps.ts";
import { type Link, startLink } from "../../support/link.ts";
import { type RunningAgent, startAgent, temporaryFolder, writeAgentConfig } from "../../support/processes.ts";
import type { Pbx } from "../lab/pbx.ts";
import { ENTERPRISE, type Ringpost } from "../ringpost.ts";
import { type Records, showRecords } from "./records.ts";

const LISTENING_MS_MAX = 30_000;
const REPAIRED_MS_MAX = 90_000;
/** The chroots of the lab have no zone of their own. */
const ZONE = "UTC";

/** `stopped` and `killed` agents are away for a time, `cut` ones lose AMI again and again. */
export type Way = "stopped" | "killed" | "cut";

/** An agent beside the PBX that is made blind, with what it can read afterwards. */
export interface BlindSite {
  id: number;
  way: Way;
  records: Records;
  configPath: string;
  agent: RunningAgent;
  /** When it could not hear anything, as it was done to it. */
  times: BlindTime[];
}

/** Epoch ms; `to` infinite: still. */
export interface BlindTime {
  from: number;
  to: number;
  cause: GapCause;
}

export const SITES: readonly (readonly [Way, Records])[] = [
  ["stopped", "cel_sqlite"],
  ["killed", "cel_csv"],
  ["stopped", "cel_csv_rotated"],
  ["killed", "cdr_sqlite"],
  ["stopped", "cdr_csv"],
  ["cut", "cel_sqlite"],
  ["cut", "cel_csv"],
  ["cut", "cel_csv_rotated"],
  ["cut", "cdr_sqlite"],
  ["cut", "cdr_csv"],
];

/** Real agents beside one PBX and what is done to them. */
export class BlindSites {
  readonly sites: readonly BlindSite[];
  readonly #ringpost: Ringpost;
  readonly #link: Link;
  readonly #remove: () => void;

  private constructor(ringpost: Ringpost, link: Link, sites: readonly BlindSite[], remove: () => void) {
    this.#ringpost = ringpost;
    this.#link = link;
    this.sites = sites;
    this.#remove = remove;
  }

  /** Returns when all of them listen. */
  static async open(pbx: Pbx, ringpost: Ringpost): Promise<BlindSites> {
    const folder = temporaryFolder();
    const link = await startLink({ port: pbx.state.ports.ami });
    const sites: BlindSite[] = [];
    for (const [way, records] of SITES) {
      const configPath = join(folder.path, `${way}-${records}`);
      sites.push(await openSite(pbx, ringpost, { way, records, folder: configPath, amiPort: link.port }));
    }
    const opened = new BlindSites(ringpost, link, sites, () => folder.remove());
    await opened.#untilListening();
    return opened;
  }

  async close(): Promise<void> {
    await Promise.all(this.sites.map(({ agent }) => agent.stop()));
    await this.#link.stop();
    this.#remove();
  }

  /** Stops or kills the agents that are to be away; `all`: those whose AMI is cut as well. */
  async leave(all = false): Promise<void> {
    const leaving = this.sites.filter((site) => (all || site.way !== "cut") && !isBlind(site));
    begin(leaving, "agent_down");
    await Promise.all(leaving.map(({ way, agent }) => (way === "killed" ? agent.kill() : agent.stop())));
  }

  async comeBack(): Promise<void> {
    const returning = this.sites.filter(({ times }) => times.at(-1)?.cause === "agent_down");
    for (const site of returning.filter(isBlind)) site.agent = startAgent(site.configPath);
    end(returning);
  }

  /** `cause`: what an agent makes of it when it hears Asterisk again. */
  async cut(cause: GapCause = "ami_lost"): Promise<void> {
    begin(this.#cut, cause);
    await this.#link.cut();
  }

  async mend(): Promise<void> {
    await this.#link.restore();
    end(this.#cut);
  }

  /** Waits until every gap is over and repaired, and no call is open any more; false when that does not come. */
  async untilRepaired(): Promise<boolean> {
    const until = Date.now() + REPAIRED_MS_MAX;
    while (!(await this.#isRepaired())) {
      if (Date.now() > until) return false;
      await sleep(250);
    }
    return true;
  }

  get #cut(): BlindSite[] {
    return this.sites.filter(({ way }) => way === "cut");
  }

  async #isRepaired(): Promise<boolean> {
    const { pool } = this.#ringpost.database;
    const ids = this.sites.map(({ id }) => id);
    const gaps = await Promise.all(ids.map((site) => listGaps(pool, { site }, Date.now())));
    const isWhole = gaps.every((some, index) => {
      const last = this.sites[index]?.times.at(-1)?.from ?? 0;
      const told = some.some(({ to_time: to }) => to !== null && to.getTime() >= last);
      return told && some.every(({ to_time: to, repaired_at: at }) => to !== null && at !== null);
    });
    const { rows } = await pool.query<{ open: string }>(
      "SELECT count(*) AS open FROM calls WHERE site_id = ANY($1) AND state <> 'final'",
      [ids],
    );
    return isWhole && Number(rows[0]?.open) === 0;
  }

  async #untilListening(): Promise<void> {
    const until = Date.now() + LISTENING_MS_MAX;
    for (;;) {
      const { rows } = await this.#ringpost.database.pool.query<{ deaf: string[] }>(
        "SELECT coalesce(array_agg(name), '{}') AS deaf FROM sites WHERE id = ANY($1) AND ami IS DISTINCT FROM 'connected'",
        [this.sites.map(({ id }) => id)],
      );
      const deaf = rows[0]?.deaf ?? [];
      if (deaf.length === 0) return;
      if (Date.now() > until) throw new Error(`these agents did not get to listen: ${deaf.join(", ")}`);
      await sleep(200);
    }
  }
}

function isBlind({ times }: BlindSite): boolean {
  return times.at(-1)?.to === Infinity;
}

function begin(sites: readonly BlindSite[], cause: GapCause): void {
  for (const { times } of sites) times.push({ from: Date.now(), to: Infinity, cause });
}

function end(sites: readonly BlindSite[]): void {
  for (const { times } of sites) {
    const last = times.at(-1);
    if (last?.to === Infinity) last.to = Date.now();
  }
}

interface SiteOptions {
  way: Way;
  records: Records;
  folder: string;
  amiPort: number;
}

async function openSite(
  pbx: Pbx,
  { database, server }: Ringpost,
  { way, records, folder, amiPort }: SiteOptions,
): Promise<BlindSite> {
  const name = `${way} ${records}`;
  const added = await addSite(database.pool, { enterpriseId: ENTERPRISE, host: name.replace(" ", "."), name });
  if ("refused" in added) throw new Error(`no site ${name}: ${added.refused}`);
  const root = join(folder, "root");
  mkdirSync(folder);
  showRecords(pbx, records, root);
  const configPath = writeAgentConfig(folder, {
    serverUrl: server.url,
    key: added.key,
    amiPort: way === "cut" ? amiPort : pbx.state.ports.ami,
    username: "ringpost",
    secret: pbx.state.secret,
    outboxPath: join(folder, "outbox.sqlite"),
    recover: { root, zone: ZONE },
  });
  return { id: added.site, way, records, configPath, agent: startAgent(configPath), times: [] };
}
