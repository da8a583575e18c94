import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** How long what was sent may take effect before the connection is gone. */
const ANSWER_LOST_AFTER_MS = 30;

/** What stands between the servers and PostgreSQL: a TCP proxy that can let answers vanish, those to COMMIT among them. */
export class DatabaseLink {
  /** While true, PostgreSQL hears everything, its answers are lost, and the connection is reset. */
  answersLost = false;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();

  /** @param target PostgreSQL's port; it may change over a restart. */
  constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#meet(socket));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  /** The URL of a database as it is reached through this proxy. */
  through(url: string): string {
    const proxied = new URL(url);
    proxied.hostname = "127.0.0.1";
    proxied.port = String((this.#server.address() as AddressInfo).port);
    return proxied.href;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #meet(client: Socket): void {
    const database = connect({ port: this.#target(), host: "127.0.0.1", noDelay: true });
    client.setNoDelay(true);
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on("data", (bytes) => database.write(bytes));
    database.on("data", (bytes) => {
      if (!this.answersLost) client.write(bytes);
      else setTimeout(() => client.resetAndDestroy(), ANSWER_LOST_AFTER_MS);
    });
  }
}
