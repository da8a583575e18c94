import type { Random } from "../random.ts";
import type { Stack } from "../stack/stack.ts";

/** What a fault acts on; two faults that touch none of the same things may happen at once. */
export type Part = "link" | "agent" | "server" | "database" | "outbox" | "ami" | "clock";

export interface Fault {
  /** Short and stable: what `--only` takes. */
  name: string;
  /** What happens, in a sentence. */
  title: string;
  touches: readonly Part[];
  /** Why it cannot be done here, or null. */
  cannot?(stack: Stack): string | null;
  /** Does it and undoes it. `holdMs` is how long it lasts. */
  inject(stack: Stack, random: Random, holdMs: number): Promise<void>;
}

/**
 * Notes which events are not on the server at this moment: the outbox that still held them is about to be damaged, so
 * the agent may lose them, if a gap row says so.
 */
export async function excuseUnstored(stack: Stack): Promise<void> {
  stack.damages.push(stack.machine.now());
  const stored = new Set(await storedNumbers(stack));
  for (const { number } of stack.journal.told) if (!stored.has(number)) stack.excusable.add(number);
}

export async function storedNumbers(stack: Stack): Promise<number[]> {
  const rows = await stack.database.query<{ n: string }>(
    `SELECT body->>'OracleNumber' AS n FROM ami_events WHERE body ? 'OracleNumber' AND site_id = $1
     UNION SELECT body->>'OracleNumber' FROM rejected_events WHERE body ? 'OracleNumber' AND site_id = $1`,
    [stack.site.id],
  );
  return rows.map(({ n }) => Number(n));
}
