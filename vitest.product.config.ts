import { defineConfig } from "vitest/config";

// The installed product: the binary and its package in bare Debian 11 and 12 root folders. Needs root and debootstrap;
// elsewhere every test is skipped and says why.
export default defineConfig({
  test: {
    include: ["test/product/debian/**/*.test.ts"],
    reporters: ["default", "./test/support/retried.ts"],
    globalSetup: ["test/support/global-setup.ts", "test/product/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    retry: process.env["CI"] === undefined ? 0 : 1,
  },
});
