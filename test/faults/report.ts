import Table from "cli-table3";
import { isLost, type Verdict } from "./audit/events.ts";

/** When a fault was at work, by the test's monotonic clock. */
export interface Window {
  fault: string;
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

/** Counts the events by the fault at work when they happened, or that had last been. */
export function tabulate(windows: readonly Window[], verdicts: readonly Verdict[]): Row[] {
  const rows = new Map<string, Row>();
  const row = (fault: string): Row => {
    const found = rows.get(fault) ?? {
      fault,
      injected: 0,
      told: 0,
      owed: 0,
      stored: 0,
      inGaps: 0,
      lost: 0,
      doubled: 0,
    };
    rows.set(fault, found);
    return found;
  };
  for (const { fault } of windows) row(fault).injected++;
  for (const verdict of verdicts) {
    const at = windows.findLast(({ fromMono }) => fromMono <= verdict.told.mono)?.fault ?? "(none yet)";
    count(row(at), verdict);
  }
  return [...rows.values()].sort((a, b) => a.fault.localeCompare(b.fault));
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
  const sum: Row = { fault: "all", injected: 0, told: 0, owed: 0, stored: 0, inGaps: 0, lost: 0, doubled: 0 };
  for (const row of rows) {
    for (const key of ["injected", "told", "owed", "stored", "inGaps", "lost", "doubled"] as const)
      sum[key] += row[key];
  }
  for (const row of [...rows, sum]) {
    table.push([row.fault, row.injected, row.told, row.owed, row.stored, row.inGaps, row.lost, row.doubled]);
  }
  return table.toString();
}
