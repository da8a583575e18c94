import { getAsset } from "node:sea";
import { Worker, type WorkerOptions } from "node:worker_threads";

/** In the binary's bundle this stands in for outbox/thread.ts: the thread's code is inside the binary too. */
export function startThread(options: WorkerOptions): Worker {
  return new Worker(getAsset("outbox-thread.js", "utf8"), { ...options, eval: true });
}
