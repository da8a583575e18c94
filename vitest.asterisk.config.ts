import { defineConfig } from "vitest/config";

// The real-PBX suite: Asterisk 16 and 22 from Debian packages, SIPp as phones, the real agent and server.
export default defineConfig({
  test: {
    include: ["test/asterisk/**/*.test.ts"],
    reporters: ["default", "./test/support/retried.ts"],
    globalSetup: ["test/support/global-setup.ts", "test/asterisk/lab-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    retry: process.env["CI"] === undefined ? 0 : 1,
  },
});
