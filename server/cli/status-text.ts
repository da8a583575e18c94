import type { SiteStatus } from "../store/readStatus.ts";
import type { SyncRow } from "../store/syncRows.ts";
import type { DrainSeconds } from "./drain.ts";
import type { Messages } from "./messages.ts";
import { duration, oneLine, percent, table } from "./print.ts";
import { bySeverity, troublesOf, type Trouble } from "./troubles.ts";

/** More rows than that are shown only on request; those of sites in trouble always are. */
const rowsMax = 20;

interface Told {
  site: SiteStatus;
  troubles: Trouble[];
}

export interface StatusOptions {
  now: Date;
  say: Messages;
  /** Share of today that was seen, by site. */
  seenToday: ReadonlyMap<number, number>;
  /** How long backlogs still take. */
  drain: DrainSeconds;
  /** A row for every site, however many there are. */
  all: boolean;
}

/** What is wrong, worst first; then a line a site, in the same order. */
export function statusText(sites: readonly SiteStatus[], syncs: readonly SyncRow[], options: StatusOptions): string {
  const { now, say, all } = options;
  const told = sites
    .map((site): Told => ({ site, troubles: troublesOf(site, syncOf(site, syncs), now, say) }))
    .toSorted((a, b) => bySeverity(a.troubles, b.troubles));
  const troubled = told.filter(({ troubles }) => troubles.length > 0);
  const shown = all ? told : told.slice(0, Math.max(rowsMax, troubled.length));
  return [
    say.siteCount(sites.length, troubled.length),
    ...troubled.flatMap(({ site, troubles }) => troubles.map(({ text }) => oneLine(say.problem(nameOf(site), text)))),
    "",
    sitesTable(
      shown.map(({ site }) => site),
      options,
    ),
    ...(shown.length < told.length ? [say.othersWell(told.length - shown.length)] : []),
  ].join("\n");
}

/** The row of download_sync that is about a site; null before its first check. */
export function syncOf(site: SiteStatus, syncs: readonly SyncRow[]): SyncRow | null {
  return syncs.find((row) => row.enterprise_id === site.enterprise_id && row.asterisk_host === site.host) ?? null;
}

function nameOf({ site, name }: SiteStatus): string {
  return `${site} ${name}`;
}

function sitesTable(sites: readonly SiteStatus[], options: StatusOptions): string {
  const { say } = options;
  const identity = [say.colSite, say.colEnterprise, say.colName, say.colHost];
  const columns = [...identity, say.colSeen, say.colSeenToday, say.colAmi, say.colBacklog];
  const counts = [say.colLive, say.colDownloaded, say.colRunning];
  return table(
    [...columns, ...counts],
    sites.map((site) => row(site, options)),
  );
}

function row(site: SiteStatus, { now, say, seenToday, drain }: StatusOptions): string[] {
  const seen = site.last_seen ? say.ago(duration((now.getTime() - site.last_seen.getTime()) / 1000)) : say.never;
  const share = seenToday.get(site.site);
  const { live, downloaded } = site.calls_today;
  const identity = [String(site.site), site.enterprise_id, site.name, site.host];
  const counts = [live, downloaded, site.calls_running].map(String);
  return [
    ...identity,
    seen,
    share === undefined ? "-" : percent(share),
    site.ami ?? "-",
    backlog(site, say, drain.get(site.site) ?? null),
    ...counts,
  ];
}

function backlog(
  { backlog: { waiting, oldest_seq, missing } }: SiteStatus,
  say: Messages,
  drainSeconds: number | null,
): string {
  const stillTakes = drainSeconds === null ? "" : say.stillTakes(duration(drainSeconds));
  if (waiting > 0) return say.waiting(waiting, oldest_seq) + stillTakes;
  return missing > 0 ? say.missing(missing) : say.none;
}
