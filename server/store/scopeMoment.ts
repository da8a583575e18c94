import type { ScopeMoment } from "./findRebuildable.ts";

/**
 * SQL for a moment people typed, given as two parameters (text, whether it is local): local ones are on the clock of the
 * enterprise `e`. NULL when none was given.
 */
export function momentSql(text: string, local: string): string {
  return `CASE WHEN ${local}::bool THEN ${text}::timestamp AT TIME ZONE e.timezone ELSE ${text}::timestamptz END`;
}

export function momentValues(moment: ScopeMoment | undefined): [string | null, boolean] {
  return [moment?.text ?? null, moment?.local ?? false];
}
