import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { WebhookBody } from "../../server/deliver/webhook-body.ts";

/** One message that was taken. `atMono`: the test's monotonic clock, ms. */
export interface Announced {
  id: string;
  site: number;
  atMono: number;
}

/** Whoever is told of calls: keeps what it was told, outside everything that is killed or put back. */
export class Receiver {
  readonly announced: Announced[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { data } = JSON.parse(Buffer.concat(chunks).toString()) as WebhookBody;
        this.announced.push({ id: data.event_id, site: data.call.site, atMono: performance.now() });
        response.writeHead(204).end();
      });
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/calls`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
