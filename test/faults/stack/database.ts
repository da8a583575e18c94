import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded, type Embedded } from "../../../server/store/embedded.ts";
import { familyOf } from "./process.ts";

/** The PostgreSQL under test. It is started again by itself after a kill, as an init system does. */
export class Database {
  readonly #dataDir: string;
  #embedded: Embedded;
  #pool: pg.Pool;

  private constructor(dataDir: string, embedded: Embedded) {
    this.#dataDir = dataDir;
    this.#embedded = embedded;
    this.#pool = newPool(embedded.url);
  }

  static async start(dataDir: string): Promise<Database> {
    return new Database(dataDir, await startEmbedded({ dataDir }));
  }

  get url(): string {
    return this.#embedded.url;
  }

  /** Runs one query, retrying while PostgreSQL is down or coming back (up to 60 s). */
  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    for (const deadline = performance.now() + 60_000; ;) {
      try {
        return (await this.#pool.query<Row>(sql, values)).rows;
      } catch (error) {
        if (!isOutage(error) || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  /** One try; undefined while PostgreSQL does not answer. */
  async tryQuery<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[] | undefined> {
    try {
      return (await this.#pool.query<Row>(sql, values)).rows;
    } catch (error) {
      if (isOutage(error)) return undefined;
      throw error;
    }
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** A connection of its own for what is done to PostgreSQL, whatever it refuses to others. The caller ends it. */
  async connect(options = ""): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, options, connectionTimeoutMillis: 3_000 });
    client.on("error", () => {}); // it may be killed with the rest
    await client.connect();
    return client;
  }

  get processIds(): number[] {
    return familyOf(this.#postmaster());
  }

  /** kill -9 of the postmaster and everything below it, at once. */
  kill(): void {
    for (const pid of this.processIds) signal(pid, "SIGKILL");
  }

  stopAll(): () => void {
    const pids = this.processIds;
    for (const pid of pids) signal(pid, "SIGSTOP");
    return () => {
      for (const pid of [...pids, ...this.processIds]) signal(pid, "SIGCONT");
    };
  }

  async restart(between: () => void = () => {}): Promise<void> {
    await this.#pool.end();
    await this.#embedded.stop();
    between();
    this.#embedded = await startEmbedded({ dataDir: this.#dataDir });
    this.#pool = newPool(this.#embedded.url);
  }

  /** Copies the data folder while PostgreSQL is down, and starts it again. */
  async backUp(to: string): Promise<void> {
    await this.restart(() => copyFolder(this.#cluster, to));
  }

  /** Puts a copy of the data folder back in the place of what is there. */
  async restore(from: string): Promise<void> {
    await this.restart(() => {
      rmSync(this.#cluster, { recursive: true, force: true });
      copyFolder(from, this.#cluster);
    });
  }

  async stop(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
    await this.#embedded.stop();
  }

  /** PostgreSQL's own data directory. */
  get #cluster(): string {
    return join(this.#dataDir, "postgres");
  }

  #postmaster(): number {
    return Number(readFileSync(join(this.#cluster, "postmaster.pid"), "utf8").split("\n")[0]);
  }
}

/** With owners and modes: PostgreSQL looks at them. */
function copyFolder(from: string, to: string): void {
  execFileSync("cp", ["-a", from, to]);
}

function newPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 3_000, query_timeout: 30_000 });
  pool.on("error", () => {}); // a killed server breaks idle connections; the next query tells
  return pool;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended meanwhile
  }
}

/** Connection lost, refused, starting up or shutting down: worth another try. */
function isOutage(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? "";
  return /^(57P0|08|ECONN|EPIPE|53300)/.test(code) || /terminat|timeout|Cannot use a pool/i.test(String(error));
}
