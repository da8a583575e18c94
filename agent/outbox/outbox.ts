import type { Worker } from "node:worker_threads";
import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Logger } from "../../shared/log.ts";
import { RingpostError } from "../../shared/errors.ts";
import type { SeqRange } from "../../shared/wire.ts";
import type { CapturedRow } from "../capture.ts";
import type { CheckedRows, OutboxLook } from "./look.ts";
import { Lost, type GapRow } from "./lost.ts";
import type { OlderStream } from "./older.ts";
import type { Batch, FromWorker, Opened, OutboxSettings, OutboxState, ReadRequest, ToWorker } from "./protocol.ts";
import { startThread } from "./thread.ts";

/** Bounds between capture and disk. */
const GROUP_EVENTS_MAX = 2_000;
const GROUP_CHARACTERS_MAX = 2 * 1024 * 1024;
/** Rows that come together are committed together: a commit costs the same for one as for a hundred. */
const GATHER_MS = 2;
const GATHER_EVENTS_MAX = 200;
/** While one group is being committed the next is on its way, so that the thread never idles. */
const GROUPS_UNDER_WAY_MAX = 2;
/** Characters of bodies that wait for a stalled disk; 5 s at 1,000 events a second are about 4 million. */
const WAITING_CHARACTERS_MAX = 16 * 1024 * 1024;

/** Rows that have their seqs: the rows, and the seq of the first. */
export type StoredListener = (rows: readonly CapturedRow[], firstSeq: number) => void;

export interface OutboxPorts {
  log: Logger;
  gapRow: GapRow;
  /** The outbox itself wrote a gap marker about what it lost. */
  gapTold?(marker: AmiEvent): void;
  /** The thread is gone: nothing can be stored any more. */
  failed: (error: RingpostError) => void;
}

interface Asked<T> {
  resolve(value: T): void;
}

/**
 * The outbox as the rest of the agent sees it. `submit` never waits: rows go to the thread in groups, at most
 * GROUPS_UNDER_WAY_MAX at once; beyond WAITING_CHARACTERS_MAX they are counted into a gap.
 */
export class Outbox {
  readonly #settings: OutboxSettings;
  readonly #ports: OutboxPorts;
  readonly #worker: Worker;
  readonly #lost: Lost;
  #waiting: CapturedRow[] = [];
  #waitingCharacters = 0;
  #underWay: CapturedRow[][] = [];
  #gathering = false;
  #onStored: StoredListener = () => {};
  #state: OutboxState | null = null;
  #opening: { resolve(opened: Opened): void; reject(error: Error): void } | null = null;
  readonly #reads: Asked<Batch | null>[] = [];
  readonly #forks: Asked<void>[] = [];
  readonly #olders: Asked<OlderStream[]>[] = [];
  readonly #looks: Asked<OutboxLook | null>[] = [];
  readonly #checks: Asked<CheckedRows | null>[] = [];
  #idle: (() => void)[] = [];
  #closed: (() => void) | null = null;
  #over = false;

  constructor(settings: OutboxSettings, ports: OutboxPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#lost = new Lost(ports.gapRow);
    this.#worker = startThread({
      workerData: settings,
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    });
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error) => this.#died("crashed", error.message));
    this.#worker.on("exit", () => this.#died("ended", "the thread ended"));
  }

  /** Resolves when the file is open. @throws RingpostError when it never will be. */
  async open(): Promise<Opened> {
    return new Promise((resolve, reject) => (this.#opening = { resolve, reject }));
  }

  /** As of the last word from the thread; null until the file is open. */
  get state(): OutboxState | null {
    return this.#state;
  }

  /** Events lost on the way to the thread since the agent started. */
  get lostBefore(): number {
    return this.#lost.total;
  }

  onStored(listener: StoredListener): void {
    this.#onStored = listener;
  }

  /** Takes rows in order. Never waits and never throws. */
  submit(rows: readonly CapturedRow[]): void {
    for (const row of rows) {
      if (this.#waitingCharacters > WAITING_CHARACTERS_MAX) this.#lost.count(row);
      else this.#enqueue(row);
    }
    this.#pushSoon();
  }

  /** The oldest events the server has not got. One read at a time. */
  async read(request: ReadRequest): Promise<Batch | null> {
    return new Promise((resolve) => {
      this.#reads.push({ resolve });
      this.#tell({ do: "read", request });
    });
  }

  async fork(base: number, why: string): Promise<void> {
    return new Promise((resolve) => {
      this.#forks.push({ resolve });
      this.#tell({ do: "fork", base, why });
    });
  }

  /** The streams before the present one that the server may want again. */
  async older(): Promise<OlderStream[]> {
    return new Promise((resolve) => {
      this.#olders.push({ resolve });
      this.#tell({ do: "older" });
    });
  }

  /** What is in the file, for whoever asks; null when the disk would not tell. */
  async look(): Promise<OutboxLook | null> {
    return new Promise((resolve) => {
      this.#looks.push({ resolve });
      this.#tell({ do: "look" });
    });
  }

  /** Compares a bounded number of rows from `from` on with their checksums. */
  async check(from: number): Promise<CheckedRows | null> {
    return new Promise((resolve) => {
      this.#checks.push({ resolve });
      this.#tell({ do: "check", from });
    });
  }

  ack(ranges: SeqRange[]): void {
    this.#tell({ do: "ack", ranges });
  }

  resend(stream: string, ranges: SeqRange[]): void {
    this.#tell({ do: "resend", stream, ranges });
  }

  resendWindow(id: string, from: number, to: number): void {
    this.#tell({ do: "resend_window", id, from, to });
  }

  resendAbove(seq: number): void {
    this.#tell({ do: "resend_above", seq });
  }

  setAside(seq: number, reason: string): void {
    this.#tell({ do: "set_aside", seq, reason });
  }

  remember(key: string, value: string): void {
    this.#tell({ do: "remember", key, value });
  }

  /** Resolves when everything submitted has its seq. */
  async settled(): Promise<void> {
    if (this.#waiting.length === 0 && this.#underWay.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Writes what is there and ends the thread. */
  async close(): Promise<void> {
    if (this.#over) return;
    const closed = new Promise<void>((resolve) => (this.#closed = resolve));
    this.#push();
    this.#over = true;
    this.#worker.postMessage({ do: "close" } satisfies ToWorker);
    await closed;
  }

  #enqueue(row: CapturedRow): void {
    const owed = this.#lost.gap();
    if (owed !== null) this.#waiting.push(owed);
    this.#waiting.push(row);
    this.#waitingCharacters += row.body.length;
  }

  /** Few rows wait for those that come with them, or until the group before them is stored. */
  #pushSoon(): void {
    if (this.#waiting.length >= GATHER_EVENTS_MAX) return this.#push();
    if (this.#underWay.length > 0 || this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      this.#push();
    }, GATHER_MS);
  }

  #push(): void {
    if (this.#state === null) return;
    while (this.#waiting.length > 0 && this.#underWay.length < GROUPS_UNDER_WAY_MAX) {
      const group = this.#waiting.splice(0, groupSize(this.#waiting));
      for (const row of group) this.#waitingCharacters -= row.body.length;
      if (this.#waiting.length === 0) this.#waitingCharacters = 0;
      this.#underWay.push(group);
      this.#tell({ do: "append", rows: group });
    }
  }

  #tell(message: ToWorker): void {
    if (!this.#over) this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    if ("state" in message) this.#state = message.state;
    switch (message.is) {
      case "opened":
        this.#state = message.opened.state;
        this.#opening?.resolve(message.opened);
        this.#opening = null;
        return this.#push();
      case "failed":
        return this.#died(message.code, message.message);
      case "stored":
        return this.#stored(message.firstSeq, message.count);
      case "batch":
        return this.#reads.shift()?.resolve(message.batch);
      case "older":
        return this.#olders.shift()?.resolve(message.streams);
      case "look":
        return this.#looks.shift()?.resolve(message.look);
      case "checked":
        return this.#checks.shift()?.resolve(message.rows);
      case "forked":
        return this.#forks.shift()?.resolve();
      case "gap":
        return this.#ports.gapTold?.(message.marker);
      case "note":
        return this.#ports.log[message.level](message.fields, message.text);
      case "closed":
        return this.#closed?.();
      case "state":
        return;
    }
  }

  #stored(firstSeq: number, count: number): void {
    const group = this.#underWay.shift() ?? [];
    this.#push();
    if (count > 0) this.#onStored(count < group.length ? group.slice(0, count) : group, firstSeq);
    if (this.#waiting.length > 0 || this.#underWay.length > 0) return;
    for (const idle of this.#idle.splice(0)) idle();
  }

  #died(code: string, found: string): void {
    this.#closed?.();
    if (this.#over) return;
    this.#over = true;
    const next = code.startsWith("SQLITE_BUSY")
      ? "Another agent uses this file: stop it, or give this one its own [outbox] path"
      : "Check that the folder of [outbox] path exists and that the agent's user may write there";
    const error = new RingpostError({
      code,
      attempted: "keep the outbox",
      on: this.#settings.path,
      found,
      retry: "no",
      next,
    });
    this.#opening?.reject(error);
    if (this.#opening === null) this.#ports.failed(error);
  }
}

function groupSize(rows: readonly CapturedRow[]): number {
  let characters = 0;
  const end = rows.findIndex(
    (row, index) => index >= GROUP_EVENTS_MAX || (characters += row.body.length) > GROUP_CHARACTERS_MAX,
  );
  return end < 0 ? rows.length : Math.max(1, end);
}
