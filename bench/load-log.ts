import { linkKeys, type CallEvent } from "../server/assemble/index.ts";
import { eventsOf } from "../test/support/truth-events.ts";
import { recording } from "./recording.ts";

const CALLS_RECORDED = 300;
const HOUR_SECONDS = 3_600;

/** An event as a raw log or the wire has it: the body is JSON text. */
export type LoggedEvent = Omit<CallEvent, "ev"> & { body: string };

/**
 * The recorded load of 300 calls again and again, each time an hour later with ids of its own, until there are `calls`.
 * Logs that begin in different hours share no id.
 */
export function loadLog(calls: number, fromHour = 0): LoggedEvent[] {
  const once = eventsOf(recording("load300"), "recommended").filter(({ ev }) => linkKeys(ev).length > 0);
  const log: LoggedEvent[] = [];
  for (let hour = fromHour; (hour - fromHour) * CALLS_RECORDED < calls; hour++) {
    for (const { ev, at, ...event } of once) {
      const laterAt = at + hour * HOUR_SECONDS * 1000;
      log.push({ ...event, seq: log.length + 1, at: laterAt, body: later(ev, hour * HOUR_SECONDS) });
    }
  }
  return log;
}

function later(ev: CallEvent["ev"], seconds: number): string {
  const id = /"(\d{9,10})\.(\d+)"/g;
  return JSON.stringify(ev).replaceAll(
    id,
    (_, epoch: string, serial: string) => `"${Number(epoch) + seconds}.${serial}"`,
  );
}
