import { judgeCalls, readCalls, type CallPicture } from "../faults/audit/calls.ts";
import { isLost, judgeEvents } from "../faults/audit/events.ts";
import { readGaps, readStored } from "../faults/audit/evidence.ts";
import { playUndisturbed } from "../faults/audit/reference.ts";
import type { Done } from "./disturb.ts";
import type { House, HouseSite } from "./house.ts";
import type { Announced } from "./receiver.ts";

/** What the oracle counts of one site. */
export interface Row {
  site: string;
  /** Events AMI handed to an agent that lived on; stored; in a gap; neither; stored more than once. */
  owed: number;
  stored: number;
  inGaps: number;
  lost: number;
  doubled: number;
  /** Rows of Asterisk's own files: read of it for times nobody listened, and stored more than once. */
  rowsRead: number;
  rowsDoubled: number;
  calls: number;
  /** Calls of which something was never heard, made whole by such rows. */
  repairedCalls: number;
  /** Calls that differ from what an undisturbed site makes of the same events. */
  wrongCalls: number;
  /** Steps once shown that are gone, or have another name or time. */
  renamedSteps: number;
  /** Hangups a receiver was told of, and those it was told of once more after the first was finished. */
  announced: number;
  announcedTwice: number;
  /** Repeated under the same id because its sender was killed before it could note the answer. */
  repeatedAfterKill: number;
  /** Committed, and lost with the database before anybody was told. */
  neverTold: number;
}

export interface Judged {
  rows: Row[];
  wrongs: string[];
}

/** A sender that is killed within this time of the answer may not have noted it. */
const NOTING_MS_MAX = 500;

export async function judge(house: House, done: Done): Promise<Judged> {
  const rows: Row[] = [];
  const wrongs: string[] = [];
  for (const site of house.sites) {
    const judged = await judgeSite(house, site, done);
    rows.push(judged.row);
    wrongs.push(...judged.wrongs.map((wrong) => `site ${site.id}: ${wrong}`));
  }
  return { rows: [...rows, total(rows)], wrongs };
}

async function judgeSite(
  { database, servers, receiver }: House,
  site: HouseSite,
  done: Done,
): Promise<{ row: Row; wrongs: string[] }> {
  const { id, reference, journal, watch } = site;
  await playUndisturbed({ journal, servers, referenceSite: reference });
  const [stored, gaps] = [await readStored(database, id), await readGaps(database, id)];
  const verdicts = judgeEvents(journal, stored, gaps, new Set());
  const lost = verdicts.filter(isLost);
  const doubled = verdicts.filter(({ rows }) => rows > 1);
  const absent = verdicts.filter(({ rows, told }) => rows === 0 && told.call > 0);
  const incomplete = new Set(absent.map(({ told }) => told.call));
  const calls = withoutConsultations(await readCalls(database, id));
  const undisturbed = withoutConsultations(await readCalls(database, reference.id));
  const differ = judgeCalls({ played: journal.calls, incomplete, calls, reference: undisturbed, repaired: true });
  const leftOut = { incomplete, disputed: new Set<number>(), reclocked: new Set<number>(), repaired: true };
  const shown = await watch.judge(journal, leftOut);
  const rows = await countRows(database, id);
  const renamed = shown.filter((wrong) => wrong.startsWith("Step"));
  const told = countAnnounced(
    receiver.announced.filter((one) => one.site === id),
    done,
  );
  const silence = await judgeSilence(database, id, told.ids);
  const row: Row = {
    site: String(id),
    owed: verdicts.filter(({ standing }) => standing === "owed").length,
    stored: verdicts.filter(({ kept }) => kept).length,
    inGaps: verdicts.filter(({ kept, inGap }) => !kept && inGap).length,
    lost: lost.length,
    doubled: doubled.length,
    rowsRead: rows.read,
    rowsDoubled: rows.doubled,
    calls: journal.calls.length,
    repairedCalls: incomplete.size,
    wrongCalls: differ.length,
    renamedSteps: renamed.length,
    announced: told.hangups,
    announcedTwice: told.twice.length,
    repeatedAfterKill: told.repeated,
    neverTold: silence.neverTold,
  };
  const wrongs = [
    ...lost.map(({ told: { number, name } }) => `event ${number} (${name}) is lost`),
    ...doubled.map(({ told: { number }, rows }) => `event ${number} is stored ${rows} times`),
    ...(rows.doubled > 0 ? [`${rows.doubled} rows of its channel event log are stored more than once`] : []),
    ...differ,
    ...shown,
    ...told.twice.map((one) => `${one} was announced twice`),
    ...silence.wrongs,
  ];
  return { row, wrongs };
}

async function countRows(database: House["database"], siteId: number): Promise<{ read: number; doubled: number }> {
  const [row] = await database.query<{ read: string; once: string }>(
    "SELECT count(*) AS read, count(DISTINCT body) AS once FROM ami_events WHERE site_id = $1 AND origin = 'recovered'",
    [siteId],
  );
  return { read: Number(row?.read), doubled: Number(row?.read) - Number(row?.once) };
}

/** The start of a consultation that was announced while it ran alone stays with the call it became part of. */
function withoutConsultations(calls: ReadonlyMap<string, CallPicture>): Map<string, CallPicture> {
  const isOwn = (linkedid: string, [, type, leg]: unknown[]): boolean => type !== "start" || leg === linkedid;
  return new Map(
    [...calls].map(([linkedid, call]) => {
      const steps = (call.steps ?? []) as unknown[][];
      return [linkedid, { ...call, steps: steps.filter((step) => isOwn(linkedid, step)) }];
    }),
  );
}

/** Twice: told again although nobody who sends was killed just after it was told first. */
function countAnnounced(
  announced: readonly Announced[],
  { kills }: Done,
): { hangups: number; twice: string[]; repeated: number; ids: ReadonlySet<string> } {
  const senders = kills.filter(({ what }) => what !== "agent");
  const byId = Map.groupBy(announced, ({ id }) => id);
  const twice: string[] = [];
  let repeated = 0;
  for (const [id, [...times]] of byId) {
    const unnoted = ({ atMono }: Announced): boolean =>
      senders.some((kill) => kill.atMono >= atMono - NOTING_MS_MAX && kill.atMono <= atMono + NOTING_MS_MAX);
    if (times.length === 1) continue;
    if (times.slice(0, -1).every(unnoted)) repeated++;
    else twice.push(id);
  }
  return {
    hangups: [...byId.keys()].filter((id) => id.includes("-hangup-")).length,
    twice,
    repeated,
    ids: new Set(byId.keys()),
  };
}

/** A hangup that is owed must have been told; one that needs nothing counts as told before, or was lost with the database. */
async function judgeSilence(
  database: House["database"],
  siteId: number,
  told: ReadonlySet<string>,
): Promise<{ neverTold: number; wrongs: string[] }> {
  const hangups = await database.query<{ id: string; owed: boolean; sent: boolean }>(
    `SELECT concat_ws('-', 's' || site_id, leg, event_type, nth) AS id, integration_sent AS sent,
       needs_integration AND NOT EXISTS (SELECT FROM deliveries d WHERE d.state = 'given_up'
         AND (d.site_id, d.leg, d.event_type, d.nth) = (e.site_id, e.leg, e.event_type, e.nth)) AS owed
     FROM call_events e WHERE site_id = $1 AND event_type = 'hangup'`,
    [siteId],
  );
  const silent = hangups.filter(({ id }) => !told.has(id));
  const wrongs = hangups
    .filter(({ id, owed, sent }) => (owed && !told.has(id)) || (owed && !sent))
    .map(({ id }) => `${id} is owed to a receiver that was not told`);
  return { neverTold: silent.length, wrongs };
}

function total(rows: readonly Row[]): Row {
  const sum = (count: (row: Row) => number): number => rows.reduce((all, row) => all + count(row), 0);
  return {
    site: "all",
    owed: sum((row) => row.owed),
    stored: sum((row) => row.stored),
    inGaps: sum((row) => row.inGaps),
    lost: sum((row) => row.lost),
    doubled: sum((row) => row.doubled),
    rowsRead: sum((row) => row.rowsRead),
    rowsDoubled: sum((row) => row.rowsDoubled),
    calls: sum((row) => row.calls),
    repairedCalls: sum((row) => row.repairedCalls),
    wrongCalls: sum((row) => row.wrongCalls),
    renamedSteps: sum((row) => row.renamedSteps),
    announced: sum((row) => row.announced),
    announcedTwice: sum((row) => row.announcedTwice),
    repeatedAfterKill: sum((row) => row.repeatedAfterKill),
    neverTold: sum((row) => row.neverTold),
  };
}
