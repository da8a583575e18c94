import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** A TCP port that is free on 127.0.0.1 at this moment. */
export function freeTcpPort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

const PORT_TRIES_MAX = 50;

/** A UDP port that is free at every one of these addresses. */
export async function freeUdpPort(addresses: readonly string[]): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = await bound(addresses[0] ?? "127.0.0.1", 0);
    if (port === null) continue;
    const rest = await Promise.all(addresses.slice(1).map((address) => bound(address, port)));
    if (rest.every((found) => found === port)) return port;
  }
  throw new Error(`no UDP port is free at all of ${addresses.length} loopback addresses after ${PORT_TRIES_MAX} tries`);
}

function bound(address: string, port: number): Promise<number | null> {
  return new Promise((done) => {
    const socket = createSocket("udp4");
    socket.once("error", () => done(null));
    socket.bind(port, address, () => {
      const found = socket.address().port;
      socket.close(() => done(found));
    });
  });
}
