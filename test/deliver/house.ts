import type { Engine } from "../../server/deliver/engine.ts";
import { openOffice, type Office, type Server, type Site } from "../ingest/office.ts";
import { openEngine, openReceiver, type EngineSettings, type Receiver } from "./receiver.ts";

/** A server with one site, somebody to be told, and as many engines as a test starts. */
export interface House {
  office: Office;
  server: Server;
  site: Site;
  receiver: Receiver;
  start(settings?: EngineSettings): void;
  /** Stops the engines. */
  stop(): Promise<void>;
  waiting(): Promise<number>;
  close(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const office = await openOffice();
  const [server, site, receiver] = [await office.server(), await office.site(), await openReceiver()];
  const engines: Pick<Engine, "stop">[] = [];
  const stop = async () => {
    for (const engine of engines.splice(0)) await engine.stop();
  };
  return {
    office,
    server,
    site,
    receiver,
    start: (settings = {}) => void engines.push(openEngine(office, settings)),
    stop,
    waiting: async () => {
      const sql = "SELECT count(*)::int AS count FROM deliveries WHERE state = 'waiting'";
      return (await office.rows<{ count: number }>(sql))[0]!.count;
    },
    close: async () => {
      await receiver.close();
      await stop();
      await office.close();
    },
  };
}
