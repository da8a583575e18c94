import { flushCompileCache } from "node:module";

// What warm-up.ts starts: loads all that a running agent is made of, so that its compiled form is kept, and ends.
await Promise.all([import("./cli/command-line.ts"), import("./outbox/worker.ts")]);
flushCompileCache();
