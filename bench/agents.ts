import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import type { Pool } from "pg";
import { Client } from "undici";
import { addSite } from "../server/store/addSite.ts";
import { INGEST_PATH, NDJSON, WIRE_VERSION, type IngestHeader, type Lane } from "../shared/wire.ts";
import type { LoggedEvent } from "./load-log.ts";

const compress = promisify(zstdCompress);

/** One site's agent as the server sees it: bodies ready to be sent, one request at a time, on one connection. */
export class Agent {
  readonly #client: Client;
  readonly #key: string;
  readonly #stream = randomUUID();

  constructor(serverUrl: string, key: string) {
    this.#client = new Client(serverUrl);
    this.#key = key;
  }

  /** A batch as it goes on the wire. `highest`: the highest seq its outbox has. */
  async pack(events: readonly LoggedEvent[], lane: Lane, highest: number): Promise<Buffer> {
    const oldest = events[0]?.seq ?? null;
    const header: IngestHeader = {
      v: WIRE_VERSION,
      stream: this.#stream,
      lane,
      agent: "bench",
      sent_at: Date.now(),
      highest_seq: highest,
      oldest_unacked: oldest,
      waiting: oldest === null ? 0 : highest - oldest + 1,
      report: { ami: "connected", outbox_bytes: 0 },
    };
    const origin = lane === "live" ? "live" : "downloaded";
    const lines = events.map(
      ({ seq, at, body }) => `{"seq":${seq},"at":${at},"mono":${at},"origin":"${origin}","ev":${body}}`,
    );
    return compress([JSON.stringify(header), ...lines, ""].join("\n"));
  }

  /** Milliseconds until the batch was acked. @throws when the server does not take it. */
  async send(body: Buffer): Promise<number> {
    const headers = { authorization: `Bearer ${this.#key}`, "content-type": NDJSON, "content-encoding": "zstd" };
    const startedAt = performance.now();
    const reply = await this.#client.request({ method: "POST", path: INGEST_PATH, headers, body });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`the server answered ${reply.statusCode}: ${text}`);
    return performance.now() - startedAt;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** An agent for each of so many new sites of an enterprise. */
export async function newAgents(
  pool: Pool,
  { serverUrl, enterpriseId, count }: { serverUrl: string; enterpriseId: string; count: number },
): Promise<Agent[]> {
  const agents: Agent[] = [];
  while (agents.length < count) {
    const site = await addSite(pool, { enterpriseId, host: `pbx-${randomUUID()}`, name: "Bench" });
    if (!("key" in site)) throw new Error("the bench's site could not be added");
    agents.push(new Agent(serverUrl, site.key));
  }
  return agents;
}

/** Packs a log as an agent with a backlog sends it. */
export function packAll(agent: Agent, log: readonly LoggedEvent[], batchEvents: number): Promise<Buffer[]> {
  return Promise.all(slices(log, batchEvents).map((events) => agent.pack(events, "backlog", log.length)));
}

export function slices<T>(all: readonly T[], length: number): T[][] {
  const count = Math.ceil(all.length / length);
  return Array.from({ length: count }, (_, i) => all.slice(i * length, (i + 1) * length));
}
