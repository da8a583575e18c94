import { assemble, type CallEvent, type Directory } from "../server/assemble/index.ts";
import { figure, type Bench } from "./figure.ts";
import { loadLog, type LoggedEvent } from "./load-log.ts";

const CALLS = 10_000;
const DIRECTORY: Directory = { timezone: "UTC", extensions: /^1\d\d$/, trunks: new Set(["trunk-a", "trunk-b"]) };

/** 10,000 calls of the recorded load, as a raw log holds them: bodies are JSON text until they are read. */
export const assembleBench: Bench = {
  name: "assemble",
  what: "raw log -> calls, on one core",
  async run(say) {
    const log = loadLog(CALLS);
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

function parseOnly(log: readonly LoggedEvent[]): number {
  const startedAt = performance.now();
  for (const { body } of log) JSON.parse(body);
  return (performance.now() - startedAt) / 1000;
}
