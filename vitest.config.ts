import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Unit tests stand beside the code; what needs PostgreSQL, processes or files stands under test/.
// The real-PBX suite (test/asterisk) has its own command, npm run test:asterisk; so has the installed agent in bare
// Debians (test/product/debian), npm run test:product.
export default defineConfig({
  test: {
    include: [
      "agent/**/*.test.ts",
      "server/**/*.test.ts",
      "shared/**/*.test.ts",
      "test/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    exclude: ["test/asterisk/**/*.test.ts", "test/product/debian/**/*.test.ts", "node_modules/**"],
    reporters: ["default", "./test/support/retried.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
    // Hundreds of processes are started: their compiled sources are kept, as `npm start` and `npm run agent` keep them.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/ringpost", import.meta.url)) },
    // Real processes on a busy machine: in CI a test that loses a race with the machine is run once more, and says so.
    retry: process.env["CI"] === undefined ? 0 : 1,
  },
});
