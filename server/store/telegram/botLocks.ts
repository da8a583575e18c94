import type { Pool, PoolClient } from "pg";

/** One connection that holds which bots this server listens to: no other does meanwhile, and a server that dies lets go. */
export class BotLocks {
  readonly #pool: Pool;
  readonly #onLost: () => void;
  #client: PoolClient | undefined;

  /** `onLost`: the connection broke, and with it all locks. */
  constructor(pool: Pool, onLost: () => void) {
    this.#pool = pool;
    this.#onLost = onLost;
  }

  /** Whether this server listens to the bot from now on. */
  async take(bot: string): Promise<boolean> {
    const client = (this.#client ??= await this.#connect());
    const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${KEY}) AS taken`, [bot]);
    return rows[0]?.taken === true;
  }

  async leave(bot: string): Promise<void> {
    await this.#client?.query(`SELECT pg_advisory_unlock(${KEY})`, [bot]);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.query("SELECT pg_advisory_unlock_all()").catch(() => undefined);
    client?.release();
  }

  async #connect(): Promise<PoolClient> {
    const client = await this.#pool.connect();
    client.once("error", (error) => {
      if (this.#client !== client) return;
      this.#client = undefined;
      client.release(error);
      this.#onLost();
    });
    return client;
  }
}

const KEY = "hashtext('ringpost telegram bot'), hashtext($1)";
