import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/redis.global.ts", "test/product.global.ts"],
    // The files share a process: none of them leaves anything behind in it, and each saves loading the packages again.
    isolate: false,
    // Vitest leaves one core free for itself. Half of the time these tests wait for leases, processes and sockets.
    maxWorkers: "100%",
    // Only what hangs runs into these: no test may fail because the machine has much else to do.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
