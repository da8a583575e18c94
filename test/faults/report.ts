import Table from "cli-table3";
import { isLost, type Verdict } from "./audit/events.ts";

/** What was at work from a moment on, by the test's monotonic clock. */
export interface Window {
  faults: readonly string[];
  fromMono: number;
}

export interface Row {
  fault: string;
  injected: number;
  told: number;
  owed: number;
  stored: number;
  inGaps: number;
  lost: number;
  doubled: number;
}

export const ALL = "all";

/**
 * Counts the events by the faults at work when they happened, or that had last been. What happened under two faults at
 * once counts for both; the last row counts every event once.
 */
export function tabulate(windows: readonly Window[], verdicts: readonly Verdict[]): Row[] {
  const rows = new Map<string, Row>();
  const row = (fault: string): Row => {
    const zeros = { injected: 0, told: 0, owed: 0, stored: 0, inGaps: 0, lost: 0, doubled: 0 };
    const found = rows.get(fault) ?? { fault, ...zeros };
    rows.set(fault, found);
    return found;
  };
  const all = row(ALL);
  for (const { faults } of windows) for (const fault of faults) row(fault).injected++;
  for (const verdict of verdicts) {
    const at = windows.findLast(({ fromMono }) => fromMono <= verdict.told.mono)?.faults ?? ["(none yet)"];
    for (const fault of at) count(row(fault), verdict);
    count(all, verdict);
  }
  all.injected = windows.reduce((sum, { faults }) => sum + faults.length, 0);
  rows.delete(ALL);
  return [...[...rows.values()].sort((a, b) => a.fault.localeCompare(b.fault)), all];
}

function count(row: Row, verdict: Verdict): void {
  row.told++;
  if (verdict.standing === "owed") row.owed++;
  if (verdict.kept) row.stored++;
  else if (verdict.inGap) row.inGaps++;
  if (isLost(verdict)) row.lost++;
  if (verdict.rows > 1) row.doubled++;
}

export function printTable(rows: readonly Row[]): string {
  const table = new Table({
    head: ["fault", "injected", "events", "owed", "stored", "in gaps", "lost", "doubled"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "right"],
  });
  for (const row of rows) {
    table.push([row.fault, row.injected, row.told, row.owed, row.stored, row.inGaps, row.lost, row.doubled]);
  }
  return table.toString();
}
