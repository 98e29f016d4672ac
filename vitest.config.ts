import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { SlowFirst } from "./test/slow-first.ts";

/**
 * Most of what the tests run is not worth optimizing: V8 begins nine times as late, which saves 8 % of the processor time. Newer
 * versions of Node don't have the option.
 */
const optimizeLate = process.version.startsWith("v20.") ? ["--interrupt-budget=600000"] : [];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: [
      "test/shell.global.ts",
      "test/redis.global.ts",
      "test/product.global.ts",
      ...(process.env.EKS_ACCESS_KUBERNETES === "real" ? ["test/kubernetes.global.ts"] : []),
    ],
    sequence: { sequencer: SlowFirst },
    // The files share a process: none of them leaves anything behind in it, and each saves loading the packages again.
    isolate: false,
    // Each core has a worker anyway: threads that collect garbage beside it cost 6 to 25 % more processor time, and collecting seldom saves 3 %.
    execArgv: [
      ...["--single-threaded-gc", "--min-semi-space-size=64", "--max-semi-space-size=64", "--no-minor-gc-task"],
      ...optimizeLate,
    ],
    // The slow files wait for leases, processes and sockets, and others run meanwhile. Each worker loads all packages again.
    maxWorkers: 2 * availableParallelism(),
    // Only what hangs runs into these: no test may fail because the machine has much else to do.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
