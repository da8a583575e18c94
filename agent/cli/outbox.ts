import { existsSync } from "node:fs";
import { messageOf } from "../../shared/errors.ts";
import { askCheck, askOutbox, askStatus } from "../control/ask.ts";
import { checkRows, lookInto, type OutboxLook } from "../outbox/look.ts";
import { Store } from "../outbox/store.ts";

export interface Fsck {
  checked: number;
  bad: number[];
  /** False when the time was over first. */
  complete: boolean;
}

/** Seqs of damaged rows that are listed; more are a broken disk, not a list. */
const BAD_LISTED_MAX = 1_000;

/** Whether the agent runs, and what is in its outbox: through its socket, or from the file when it does not run. */
export async function outboxLook(path: string): Promise<{ running: boolean; look: OutboxLook | null }> {
  if ((await askStatus(path)) !== null) return { running: true, look: await askOutbox(path) };
  if (!existsSync(path)) return { running: false, look: null };
  return { running: false, look: withStore(path, (store) => lookInto(store, store.acked)) };
}

/** Every row against its checksum, within `msMax`. A running agent checks for us, some rows at a time between its own work. */
export async function fsck(path: string, msMax = Number.POSITIVE_INFINITY): Promise<Fsck | { failed: string }> {
  try {
    if ((await askStatus(path)) !== null) return await walk((from) => askCheck(path, from), msMax);
    if (!existsSync(path)) return { failed: `${path}: there is no such file` };
    const store = new Store(path);
    try {
      return await walk(async (from) => checkRows(store, from), msMax);
    } finally {
      store.close();
    }
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

async function walk(
  step: (from: number) => Promise<ReturnType<typeof checkRows> | null>,
  msMax: number,
): Promise<Fsck> {
  const startedAt = performance.now();
  const result: Fsck = { checked: 0, bad: [], complete: false };
  for (let from: number | null = 1; from !== null;) {
    const rows = await step(from);
    if (rows === null) throw new Error("the agent gave no answer");
    result.checked += rows.checked;
    result.bad.push(...rows.bad.slice(0, BAD_LISTED_MAX - result.bad.length));
    from = rows.next;
    if (performance.now() - startedAt > msMax && from !== null) return result;
  }
  return { ...result, complete: true };
}

function withStore<T>(path: string, work: (store: Store) => T): T {
  const store = new Store(path);
  try {
    return work(store);
  } finally {
    store.close();
  }
}
