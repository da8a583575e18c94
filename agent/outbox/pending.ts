import type { SeqRange } from "../../shared/wire.ts";
import type { Segment, Store } from "./store.ts";

interface Aside {
  seq: number;
  stream: string;
  at: number;
  reason: string;
  body: string;
}

/** What is known here and not yet in the file, apart from rows. On a full disk it waits, and is lost only with the process. */
export class Pending {
  #dirty = false;
  readonly #remembered = new Map<string, string>();
  #segments: Segment[] = [];
  #asides: Aside[] = [];

  get any(): boolean {
    return this.#dirty;
  }

  get asides(): number {
    return this.#asides.length;
  }

  /** The acked ranges have changed. */
  acked(): void {
    this.#dirty = true;
  }

  remember(key: string, value: string): void {
    this.#remembered.set(key, value);
    this.#dirty = true;
  }

  addSegment(segment: Segment): void {
    this.#segments.push(segment);
    this.#dirty = true;
  }

  setAside(aside: Aside): void {
    this.#asides.push(aside);
    this.#dirty = true;
  }

  /** Inside a transaction. */
  writeTo(store: Store, acked: readonly SeqRange[], nowMs: number): void {
    store.writeAcked(acked);
    for (const [key, value] of this.#remembered) store.remember(key, value);
    for (const segment of this.#segments) store.addSegment(segment, nowMs);
    for (const { seq, stream, at, reason, body } of this.#asides) store.setAside(seq, stream, at, reason, body);
  }

  /** The transaction is durable. */
  written(store: Store, acked: readonly SeqRange[]): void {
    store.ackedWritten(acked);
    this.#dirty = false;
    this.#remembered.clear();
    this.#segments = [];
    this.#asides = [];
  }
}
