import { collectDefaultMetrics, Counter, Histogram, Registry } from "prom-client";
import type { DeliveryCounts } from "../deliver/counts.ts";
import type { IngestCounts } from "../ingest/counts.ts";

/** What this process counts since it started. Every server of a database tells its own; their sums are the whole. */
export interface Metrics {
  registry: Registry;
  ingest: IngestCounts;
  deliveries: DeliveryCounts;
  /** A request to ingest was answered. */
  request(status: number, seconds: number): void;
}

const FAST = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAG = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60];

/** Counters and histograms of one server. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { observe, ...ingest } = ingestCounts(registry);
  return { registry, ingest, deliveries: deliveryCounts(registry), request: observe };
}

function ingestCounts(registry: Registry): IngestCounts & { observe: Metrics["request"] } {
  const counter = counterIn(registry);
  const requests = histogramIn(registry)("ingest_request_seconds", "ingest requests by status", ["status"], FAST);
  const lag = histogramIn(registry)("ingest_live_lag_seconds", "from capture (agent's clock) to commit", [], LAG);
  const batches = counter("ingest_batches_total", "batches accepted", ["lane"]);
  const received = counter("ingest_events_received_total", "events in them", ["lane"]);
  const stored = counter("ingest_events_stored_total", "events stored");
  const duplicates = counter("ingest_events_duplicate_total", "events that were stored before");
  const rejected = counter("ingest_events_rejected_total", "events set aside in rejected_events", ["reason"]);
  const repeated = counter("ingest_transactions_repeated_total", "transactions that another writer overtook");
  const begun = counter("calls_begun_total", "calls first seen");
  const final = counter("calls_final_total", "calls that nothing can change any more", ["type", "status"]);
  return {
    batch(lane, events) {
      batches.inc({ lane });
      received.inc({ lane }, events);
    },
    committed(ingested) {
      stored.inc(ingested.fresh);
      duplicates.inc(ingested.duplicates);
      begun.inc(ingested.callsBegun);
      for (const { reason } of ingested.rejected) rejected.inc({ reason });
      for (const { callType, callStatus } of ingested.callsFinal) {
        final.inc({ type: callType, status: callStatus ?? "none" });
      }
    },
    repeated: () => repeated.inc(),
    liveLag: (seconds) => lag.observe(seconds),
    observe: (status, seconds) => requests.observe({ status: String(status) }, seconds),
  };
}

function deliveryCounts(registry: Registry): DeliveryCounts {
  const labels = ["channel", "outcome"];
  const attempts = counterIn(registry)("delivery_attempts_total", "messages by what came of them", labels);
  const latency = histogramIn(registry)(
    "delivery_seconds",
    "from the step to the receiver's answer",
    ["channel"],
    FAST,
  );
  return {
    attempt: (channel, outcome) => attempts.inc({ channel, outcome }),
    sent: (channel, seconds) => latency.observe({ channel }, seconds),
  };
}

function counterIn(registry: Registry): (name: string, help: string, labelNames?: string[]) => Counter {
  return (name, help, labelNames = []) =>
    new Counter({ name: `ringpost_${name}`, help, labelNames, registers: [registry] });
}

function histogramIn(registry: Registry) {
  return (name: string, help: string, labelNames: string[], buckets: number[]): Histogram =>
    new Histogram({ name: `ringpost_${name}`, help, labelNames, buckets, registers: [registry] });
}
