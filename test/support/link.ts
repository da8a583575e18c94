import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A TCP proxy on loopback between two processes, whose cable can be pulled. Works for HTTP as for anything else.
 * Modes: up; cut (connections reset, new ones refused); frozen (everything stays open, no byte passes).
 */
export interface Link {
  port: number;
  url: string;
  /** Resets what is open and refuses what comes, until `restore`. */
  cut(): Promise<void>;
  /** Nothing is closed and nothing passes, until `restore`: a dead peer nobody tells about. */
  freeze(): void;
  restore(): Promise<void>;
  /** Every piece of data is held back so long, in each direction. */
  delay(ms: number): void;
  /** Bytes a second and connection in each direction; Infinity for no limit. */
  throttle(bytesPerSecond: number): void;
  /** The server side gets a FIN while the client side stays open: replies still pass. */
  halfClose(): void;
  readonly connections: number;
  readonly bytesToTarget: number;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";

interface Cable {
  frozen: boolean;
  delayMs: number;
  bytesPerSecond: number;
  bytesToTarget: number;
  thawed: Promise<void>;
  thaw: () => void;
}

/** Opens a link to `target` on a free port. */
export async function startLink(target: { host?: string; port: number }): Promise<Link> {
  const cable: Cable = {
    frozen: false,
    delayMs: 0,
    bytesPerSecond: Infinity,
    bytesToTarget: 0,
    thawed: Promise.resolve(),
    thaw: () => {},
  };
  const pairs = new Set<Pair>();
  const join = (client: Socket) => {
    const pair = joinPair(client, connect(target.port, target.host ?? HOST), cable, () => pairs.delete(pair));
    pairs.add(pair);
  };
  let server: Server | null = await listen(0, join);
  const port = (server.address() as AddressInfo).port;
  const shut = async () => {
    const closing = server;
    server = null;
    for (const pair of pairs) pair.reset();
    if (closing !== null) await new Promise((resolve) => closing.close(resolve));
  };

  return {
    port,
    url: `http://${HOST}:${port}`,
    cut: shut,
    freeze: () => {
      if (cable.frozen) return;
      cable.frozen = true;
      cable.thawed = new Promise((resolve) => (cable.thaw = resolve));
    },
    restore: async () => {
      cable.frozen = false;
      cable.thaw();
      server ??= await listen(port, join);
    },
    delay: (ms) => (cable.delayMs = ms),
    throttle: (bytesPerSecond) => (cable.bytesPerSecond = bytesPerSecond),
    halfClose: () => {
      for (const pair of pairs) pair.target.end();
    },
    get connections() {
      return pairs.size;
    },
    get bytesToTarget() {
      return cable.bytesToTarget;
    },
    stop: async () => {
      cable.thaw();
      await shut();
    },
  };
}

interface Pair {
  target: Socket;
  reset(): void;
}

function joinPair(client: Socket, target: Socket, cable: Cable, gone: () => void): Pair {
  const reset = () => {
    client.resetAndDestroy();
    target.resetAndDestroy();
  };
  for (const socket of [client, target]) socket.on("error", reset).on("close", gone);
  client.on("data", (bytes) => (cable.bytesToTarget += bytes.length));
  client.pause();
  client.pipe(resistance(cable)).pipe(target);
  target.pipe(resistance(cable)).pipe(client);
  return { target, reset };
}

/** What a cable does to the bytes in one direction. */
function resistance(cable: Cable): Transform {
  return new Transform({
    transform: (bytes: Buffer, _encoding, done) => {
      void (async () => {
        const waitMs = cable.delayMs + (bytes.length / cable.bytesPerSecond) * 1000;
        if (waitMs >= 1) await sleep(waitMs);
        while (cable.frozen) await cable.thawed;
        done(null, bytes);
      })();
    },
  });
}

async function listen(port: number, join: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, join);
  server.listen(port, HOST);
  await once(server, "listening");
  return server;
}
