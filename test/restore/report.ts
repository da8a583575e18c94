import Table from "cli-table3";
import type { Row } from "./judge.ts";

const COLUMNS: readonly [keyof Row, string][] = [
  ["site", "site"],
  ["owed", "owed"],
  ["stored", "stored"],
  ["inGaps", "in gaps"],
  ["lost", "lost"],
  ["doubled", "doubled"],
  ["rowsRead", "rows read"],
  ["rowsDoubled", "rows doubled"],
  ["calls", "calls"],
  ["repairedCalls", "repaired calls"],
  ["wrongCalls", "wrong calls"],
  ["renamedSteps", "renamed steps"],
  ["announced", "announced"],
  ["announcedTwice", "announced twice"],
  ["repeatedAfterKill", "repeated after a kill"],
  ["neverTold", "never told"],
];

export function printTable(rows: readonly Row[]): string {
  const table = new Table({
    head: COLUMNS.map(([, title]) => title),
    style: { head: [], border: [] },
    colAligns: COLUMNS.map(() => "right"),
  });
  for (const row of rows) table.push(COLUMNS.map(([name]) => row[name]));
  return table.toString();
}
