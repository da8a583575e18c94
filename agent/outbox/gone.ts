import type { AmiEvent, GapCause } from "../../shared/ami-event.ts";
import type { SeqRange } from "../../shared/wire.ts";
import type { CapturedRow } from "../capture.ts";
import { gap, type Gap } from "../markers.ts";
import type { EverAcked } from "./ever-acked.ts";
import type { KeeperPorts } from "./ports.ts";
import { Ranges } from "./ranges.ts";
import type { Segments } from "./segments.ts";
import type { Store } from "./store.ts";

/** Where the lost events were, and where the markers about them go. */
export interface LosingFile {
  readonly store: Store;
  readonly segments: Segments;
  readonly everAcked: EverAcked;
  append(rows: readonly CapturedRow[]): void;
  ack(ranges: readonly SeqRange[]): void;
}

/** Events that will never be sent: how many they are, and the gap markers that tell the server so. */
export class Gone {
  readonly #file: LosingFile;
  readonly #ports: KeeperPorts;
  /** Told since the agent started, so that a server that asks again gets no second marker. */
  readonly told = new Ranges();
  #turnedAway: { count: number; fromMs: number; toMs: number } | null = null;
  /** Events lost since the agent started. */
  total = 0;

  constructor(file: LosingFile, ports: KeeperPorts) {
    this.#file = file;
    this.#ports = ports;
  }

  /** Rows for which there was no room: they get no seq. */
  turnAway(rows: readonly CapturedRow[]): void {
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return;
    if (this.#turnedAway === null)
      this.#ports.note("error", "events are lost: the disk is full and so is the memory kept for them", {});
    this.#turnedAway ??= { count: 0, fromMs: first.at, toMs: last.at };
    this.#turnedAway.count += rows.length;
    this.#turnedAway.toMs = last.at;
    this.total += rows.length;
  }

  /** There is room again for the marker of what was turned away. */
  tellTurnedAway(): void {
    const lost = this.#turnedAway;
    if (lost === null) return;
    this.#turnedAway = null;
    this.#append([{ ...lost, cause: "outbox_full" }]);
  }

  /** These seqs are lost: they count as done here, and a gap marker tells the server. */
  lose(ranges: readonly SeqRange[], cause: GapCause): void {
    this.total += this.tell(ranges, cause);
    this.#ports.note("error", "events are lost and told as a gap", { ranges, cause });
  }

  /** Writes a gap marker for each range and counts it as done; returns how many events they held, markers left out. */
  tell(ranges: readonly SeqRange[], cause: GapCause): number {
    const { store, segments } = this.#file;
    const gaps = ranges.map(([from, to]): Gap => {
      const { base, stream } = segments.of(from);
      const nowMs = this.#ports.clock.wallMs();
      const span = store.spanOf(from, to, { fromMs: nowMs, toMs: nowMs });
      this.told.add(from, to);
      this.#file.everAcked.lost(from, to);
      const count = to - from + 1 - store.gapBodies(from, to).length;
      return { ...span, cause, count, stream, fromSeq: from - base, toSeq: to - base };
    });
    this.#file.ack(ranges);
    this.#append(gaps);
    return gaps.reduce((sum, { count = 0 }) => sum + count, 0);
  }

  /** What a damaged file cost; its seqs are counted as done already. */
  tellSalvaged(gaps: readonly Gap[]): void {
    for (const { stream, fromSeq, toSeq } of gaps) {
      const base = stream === undefined ? undefined : this.#file.segments.named(stream)?.base;
      if (base === undefined || fromSeq === undefined || toSeq === undefined) continue;
      this.told.add(base + fromSeq, base + toSeq);
      this.#file.everAcked.lost(base + fromSeq, base + toSeq);
    }
    this.#append(gaps);
  }

  /** Markers whose rows have to go are written anew: the server has not heard them yet. */
  tellAgain(bodies: readonly string[]): void {
    if (bodies.length > 0)
      this.#file.append(bodies.map((body) => this.#ports.capture.row(JSON.parse(body) as AmiEvent)));
  }

  #append(gaps: readonly Gap[]): void {
    this.#file.append(gaps.map((lost) => this.#ports.capture.row(gap(lost))));
  }
}
