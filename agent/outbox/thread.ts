import { Worker, type WorkerOptions } from "node:worker_threads";

/** Starts the outbox's thread from its source file; the binary has no such file and puts its own in this one's place. */
export function startThread(options: WorkerOptions): Worker {
  return new Worker(new URL("worker.ts", import.meta.url), options);
}
