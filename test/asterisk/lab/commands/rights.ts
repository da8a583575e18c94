import Table from "cli-table3";
import { measureRights, type RightsRow } from "../rights.ts";
import type { Scenario } from "../scenario.ts";
import { scenarioNamed } from "../scenarios/index.ts";
import { say, upAll } from "./lifecycle.ts";
import type { CommonOptions } from "./options.ts";

/** Plain calls, and one for each thing only a certain class or line shows. */
const MEASURED =
  "incoming_answered,incoming_unregistered,incoming_unregistered_group,outgoing_answered,ring_group_answered,queue_ringall_answered,ivr_digit,voicemail,recorded_call,blind_transfer,park_retrieve,pickup_directed".split(
    ",",
  );

export async function rightsCommand({ releases, json }: CommonOptions): Promise<void> {
  const scenarios = MEASURED.map(scenarioNamed).filter((scenario): scenario is Scenario => scenario !== undefined);
  const running = await upAll(releases);
  const rows = (await Promise.all(running.map((pbx) => measureRights(pbx, scenarios, say)))).flat();
  console.log(json ? JSON.stringify(rows) : tableOf(rows));
}

function tableOf(rows: readonly RightsRow[]): string {
  const table = new Table({
    head: ["Asterisk", "read", "eventfilter lines", "events a call", "bytes a call", "what is lost"],
    style: { head: [], border: [] },
  });
  for (const { asterisk, user, calls, events, bytes, lost } of rows) {
    const each = (total: number): string => Math.round(total / calls).toLocaleString("en");
    const filters = user.filters.length === 0 ? "none" : user.filters.join("\n");
    table.push([
      asterisk,
      `${user.read}\n(${user.name})`,
      filters,
      each(events),
      each(bytes),
      lost.join("\n") || "nothing",
    ]);
  }
  return table.toString();
}
