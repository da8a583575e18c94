import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { headerOf } from "../test/support/pbx/capture.ts";
import { play, tell, type Hangups } from "./deliveries.ts";
import { figure, percentile, type Bench, type Figure } from "./figure.ts";
import { rssMb } from "./process-cost.ts";
import { startSite } from "./site.ts";
import { openWebhook, type Told } from "./told.ts";

/** What 50 calls a second leave in so many hours without their receiver. */
const HOURS = 6;
const WAITING = HOURS * 3600 * 50;
const CATCH_UP_SECONDS = 20;
const PAUSE_MS_MAX = 60_000;
const ENV = { RINGPOST_SECRET_KEY: "a key for benchmarks only" };

export const outageBench: Bench = {
  name: "outage",
  what: `a webhook that was away for ${HOURS} hours of 50 calls/s, and another that works`,
  async run(say) {
    const hangups: Hangups = new Map();
    const [well, away] = [await openWebhook(), await openAway()];
    const site = await startSite(
      {
        onEvent: ({ name, text }) => {
          if (name === "Hangup") hangups.set(headerOf(text, "Linkedid")!, performance.now());
        },
      },
      ENV,
    );
    const db = new pg.Client({ connectionString: site.databaseUrl });
    await db.connect();
    try {
      await tell(site, [well, away]);
      const bytes = await fill(db);
      say(`${WAITING} deliveries wait, ${Math.round(bytes / 2 ** 20)} MB`);
      const jobsMax = await jobsDuring(db, play(site, hangups, [well]));
      const memory = rssMb(site.server.pid);
      away.isBack = true;
      const rate = await catchUp(away);
      return [...beside(hangups, well), ...costs({ bytes, jobsMax, memory, rate })];
    } finally {
      await db.end();
      await site.stop();
      for (const one of [well, away]) await one.close();
    }
  },
};

function beside(hangups: Hangups, { hangupAt }: Told): Figure[] {
  const delays = [...hangups].map(([id, sentAt]) => hangupAt.get(id)! - sentAt);
  return [50, 99].map((p) => {
    const aim = p === 99 ? "under 1,000 ms" : undefined;
    return figure(
      `AMI hangup -> request at the webhook that works, p${p} at 50 calls/s`,
      "ms",
      percentile(delays, p),
      undefined,
      aim,
    );
  });
}

function costs(cost: { bytes: number; jobsMax: number; memory: number; rate: number }): Figure[] {
  return [
    figure("a waiting delivery, with its indexes", "bytes", cost.bytes / WAITING),
    figure("jobs in the queue meanwhile, at most", "jobs", cost.jobsMax),
    figure("the server's memory then", "MB", cost.memory),
    figure("when it is back: messages told", "1/s", cost.rate, undefined, "above 50, what comes in"),
  ];
}

interface Away extends Told {
  isBack: boolean;
  /** Messages it took, by webhook-id. */
  took: Set<string>;
}

/** Answers 503 until it is back. */
async function openAway(): Promise<Away> {
  const took = new Set<string>();
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume().on("end", () => {
      if (away.isBack) took.add(String(request.headers["webhook-id"]));
      response.writeHead(away.isBack ? 204 : 503).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const away: Away = {
    what: "webhook that is away",
    settings: [`webhook.away.url=${url}`, "webhook.away.allow_private=yes"],
    hangupAt: new Map(),
    isBack: false,
    took,
    requests: () => requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return away;
}

/** Ended calls, their hangups and what is owed of them, over the hours before. Returns what the deliveries take, bytes. */
async function fill(db: pg.Client): Promise<number> {
  const size = async () =>
    Number((await db.query<{ n: string }>("SELECT pg_total_relation_size('deliveries') AS n")).rows[0]!.n);
  const before = await size();
  const [site] = (await db.query<{ id: number }>("SELECT id FROM sites")).rows;
  for (const text of FILL) await db.query(text, text.includes("$2") ? [WAITING, site!.id] : []);
  const bytes = (await size()) - before;
  await db.query("VACUUM ANALYZE deliveries");
  return bytes;
}

const FILL = [
  `INSERT INTO calls (unique_id, linkedid, site_id, enterprise_id, token, call_type, call_status, phone_number, start_time, end_time, state)
   SELECT 'b' || n, 'b' || n, $2, '0367', 'bench', 'incoming', 'no_answer', '0501112233', at, at, 'final'
   FROM generate_series(1, $1::int) n, LATERAL (SELECT now() - ($1 - n) / 50.0 * interval '1 s' AS at) t`,
  `INSERT INTO call_events (call_id, unique_id, site_id, leg, event_type, nth, event_sequence, event_timestamp, received_timestamp,
     data_source, processed, needs_telegram, raw_data)
   SELECT id, unique_id, site_id, linkedid, 'hangup', 1, 1, end_time, now(), 'live', FALSE, FALSE, '{}' FROM calls WHERE unique_id LIKE 'b%'`,
  `INSERT INTO deliveries (enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target, created_at, retry_since)
   SELECT '0367', id, unique_id, site_id, linkedid, 'hangup', 1, 'webhook', 'away', end_time, end_time
   FROM calls WHERE unique_id LIKE 'b%' ORDER BY id`,
];

/** Looks at the job queue every now and then, for the most jobs there are at once, while something goes on. */
async function jobsDuring(db: pg.Client, goesOn: Promise<void>): Promise<number> {
  const over = new AbortController();
  const looking = (async () => {
    let max = 0;
    while (!over.signal.aborted) {
      const { rows } = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM graphile_worker._private_jobs");
      max = Math.max(max, rows[0]!.n);
      await sleep(250);
    }
    return max;
  })();
  await goesOn.finally(() => over.abort()).finally(() => looking);
  return looking;
}

/** Messages a second, once the first was taken. */
async function catchUp({ took }: Away): Promise<number> {
  const until = performance.now() + PAUSE_MS_MAX;
  while (took.size < 2 && performance.now() < until) await sleep(20);
  const [from, since] = [took.size, performance.now()];
  await sleep(CATCH_UP_SECONDS * 1000);
  return ((took.size - from) * 1000) / (performance.now() - since);
}
