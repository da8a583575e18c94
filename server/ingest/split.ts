import type { Batch } from "./types.ts";

/** A batch of two or more events as two; what is unusable already goes with the first. */
export function halves(batch: Batch): [Batch, Batch] {
  const middle = batch.events.length >> 1;
  return [
    { ...batch, events: batch.events.slice(0, middle) },
    { ...batch, events: batch.events.slice(middle), unusable: [] },
  ];
}

/** A batch of one event that PostgreSQL refuses, told to keep it apart. Its body becomes one JSON string: always storable. */
export function setAside(batch: Batch, detail: string): Batch {
  const unusable = batch.events.map((event) => ({
    event: { ...event, body: JSON.stringify(event.body) },
    reason: "undigestible" as const,
    detail,
  }));
  return { ...batch, events: [], unusable: [...batch.unusable, ...unusable] };
}
