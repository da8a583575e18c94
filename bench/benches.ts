import type { Bench } from "./figure.ts";
import { assembleBench } from "./assemble.ts";
import { crowdBench } from "./crowd.ts";
import { deliveriesBench } from "./deliveries.ts";
import { ingestBench } from "./ingest.ts";
import { latencyBench } from "./latency.ts";
import { outageBench } from "./outage.ts";
import { mongoBench } from "./mongo.ts";
import { outboxBench } from "./outbox.ts";

/** In the order they run. */
export const BENCHES: readonly Bench[] = [
  outboxBench,
  assembleBench,
  ingestBench,
  latencyBench,
  crowdBench,
  deliveriesBench,
  outageBench,
  mongoBench,
];
