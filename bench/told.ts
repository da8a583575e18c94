import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** Somebody who is told of calls: where, with which settings, and when a hangup's request began to arrive, by Linkedid. */
export interface Told {
  what: string;
  /** Words of `enterprise set`. */
  settings: string[];
  hangupAt: Map<string, number>;
  requests(): number;
  close(): Promise<void>;
}

/** A webhook that answers 204 at once. */
export async function openWebhook(): Promise<Told> {
  const hangupAt = new Map<string, number>();
  let requests = 0;
  const server = createServer((request, response) => {
    const at = performance.now();
    requests++;
    void textOf(request).then((text) => {
      response.writeHead(204).end();
      const { type, data } = JSON.parse(text) as { type: string; data: { call: { unique_id: string } } };
      if (type === "call.hangup") hangupAt.set(data.call.unique_id, at);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    what: "webhook",
    settings: [
      `webhook.bench.url=${url}`,
      "webhook.bench.events=start,dial,bridge,hangup",
      "webhook.bench.allow_private=yes",
    ],
    hangupAt,
    requests: () => requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
