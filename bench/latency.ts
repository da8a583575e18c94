import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { headerOf } from "../test/support/pbx/capture.ts";
import { barePath } from "./bare-path.ts";
import { figure, percentile, type Bench, type Figure } from "./figure.ts";
import { cpuMs, rssMb } from "./process-cost.ts";
import { recording, visibleEvents } from "./recording.ts";
import { startSite, type Site } from "./site.ts";

const RATES = [100, 1_000] as const;
const SECONDS = 15;
/** A call row may become visible later than one with a higher id: this many below the highest are looked at again. */
const LOOK_BACK_ROWS = 300;
const SETTLE_MS_MAX = 10_000;

/** When the first event of each call was sent by AMI, and when its row could be seen, by Linkedid. */
interface Watch {
  sentAt: Map<string, number>;
  seenAt: Map<string, number>;
}

export const latencyBench: Bench = {
  name: "latency",
  what: "AMI event -> visible row, and what the agent costs meanwhile",
  async run(say) {
    const watch: Watch = { sentAt: new Map(), seenAt: new Map() };
    let events = 0;
    const site = await startSite({
      onEvent: ({ name, text }) => {
        events++;
        const linkedid = headerOf(text, "Linkedid");
        if (name === "Newchannel" && linkedid === headerOf(text, "Uniqueid"))
          watch.sentAt.set(linkedid!, performance.now());
      },
    });
    try {
      const bare = await barePath(site.folder, site.databaseUrl);
      const figures: Figure[] = [];
      for (const rate of RATES) {
        const before = { events, cpuMs: cpuMs(site.agent.pid) };
        const delays = await atRate(site, watch, rate);
        const cost = cpuMs(site.agent.pid) - before.cpuMs;
        const handled = events - before.events;
        say(`${handled} events in ${SECONDS} s, ${delays.length} calls timed`);
        figures.push(...timeFigures(rate, delays, bare), ...costFigures(rate, cost, handled, site));
      }
      return figures;
    } finally {
      await site.stop();
    }
  },
};

async function atRate({ pbx, databaseUrl }: Site, watch: Watch, eventsPerSecond: number): Promise<number[]> {
  watch.sentAt.clear();
  watch.seenAt.clear();
  const call = recording("incoming_answered");
  const callsPerSecond = eventsPerSecond / visibleEvents(call).length;
  const load = pbx.load(call, { callsPerSecond, calls: Math.ceil(callsPerSecond * SECONDS), speed: 4 });
  const looking = new AbortController();
  const looked = look(databaseUrl, watch, looking.signal);
  await load.done;
  const until = performance.now() + SETTLE_MS_MAX;
  while (watch.seenAt.size < watch.sentAt.size && performance.now() < until) await sleep(50);
  looking.abort();
  await looked;
  const delays = [...watch.sentAt].map(([id, sentAt]) => (watch.seenAt.get(id) ?? Number.POSITIVE_INFINITY) - sentAt);
  if (delays.length === 0 || delays.includes(Number.POSITIVE_INFINITY)) {
    throw new Error(
      `${watch.sentAt.size} calls were played, ${watch.seenAt.size} became rows. See the agent's and the server's log.`,
    );
  }
  return delays;
}

/** Looks for new rows of calls without pause, as somebody who waits for them would. */
async function look(databaseUrl: string, { seenAt }: Watch, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  let highest = 0;
  while (!signal.aborted) {
    const { rows } = await client.query<{ id: string; linkedid: string }>({
      name: "look",
      text: "SELECT id, linkedid FROM calls WHERE id > $1 ORDER BY id",
      values: [highest - LOOK_BACK_ROWS],
    });
    const now = performance.now();
    for (const { id, linkedid } of rows) {
      highest = Math.max(highest, Number(id));
      if (!seenAt.has(linkedid)) seenAt.set(linkedid, now);
    }
    await sleep(1);
  }
  await client.end();
}

function timeFigures(rate: number, delays: readonly number[], bare: readonly number[]): Figure[] {
  return [50, 99].map((p) => {
    const limit = { what: "SQLite + HTTP + PostgreSQL, bare", value: percentile(bare, p) };
    return figure(
      `AMI event -> visible row, p${p} at ${rate} events/s`,
      "ms",
      percentile(delays, p),
      limit,
      "3x or less",
    );
  });
}

function costFigures(rate: number, cost: number, events: number, { agent }: Site): Figure[] {
  return [
    figure(`agent CPU at ${rate} events/s`, "ms per 1,000 events", (cost * 1000) / events),
    figure(`agent RSS at ${rate} events/s`, "MB", rssMb(agent.pid)),
  ];
}
