import { assemble, linkKeys, type CallEvent, type Directory } from "../server/assemble/index.ts";
import { eventsOf } from "../test/support/truth-events.ts";
import { figure, type Bench } from "./figure.ts";
import { recording } from "./recording.ts";

const CALLS = 10_000;
const CALLS_RECORDED = 300;
const DIRECTORY: Directory = { timezone: "UTC", extensions: /^1\d\d$/, trunks: new Set(["trunk-a", "trunk-b"]) };

/** 10,000 calls of the recorded load, as a raw log holds them: bodies are JSON text until they are read. */
export const assembleBench: Bench = {
  name: "assemble",
  what: "raw log -> calls, on one core",
  async run(say) {
    const log = rawLog();
    const startedAt = performance.now();
    const calls = assemble(
      log.map(({ body, ...event }) => Object.assign(event, { ev: JSON.parse(body) as CallEvent["ev"] })),
      DIRECTORY,
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const open = calls.filter((call) => !call.ended).length;
    if (calls.length < CALLS || open > 0)
      throw new Error(`${CALLS} calls were played, ${calls.length} told, ${open} open`);
    say(`${calls.length} calls of ${log.length} events`);
    const parsed = parseOnly(log);
    const limit = { what: "JSON.parse of the same bodies", value: log.length / parsed };
    return [figure("raw log -> 10,000 calls assembled", "events/s", log.length / seconds, limit, "100,000 events/s")];
  },
};

type Logged = Omit<CallEvent, "ev"> & { body: string };

/** The load of 300 calls again and again, each time with ids of its own, an hour later. */
function rawLog(): Logged[] {
  const once = eventsOf(recording("load300"), "recommended").filter(({ ev }) => linkKeys(ev).length > 0);
  const log: Logged[] = [];
  for (let round = 0; log.length === 0 || round * CALLS_RECORDED < CALLS; round++) {
    for (const { ev, at, ...event } of once) {
      const body = JSON.stringify(ev).replaceAll(
        /"(\d{9,10})\.(\d+)"/g,
        (_, s: string, n: string) => `"${Number(s) + round * 3600}.${n}"`,
      );
      log.push({ ...event, seq: log.length + 1, at: at + round * 3_600_000, body });
    }
  }
  return log;
}

function parseOnly(log: readonly Logged[]): number {
  const startedAt = performance.now();
  for (const { body } of log) JSON.parse(body);
  return (performance.now() - startedAt) / 1000;
}
