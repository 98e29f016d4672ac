import { defineConfig } from "vitest/config";

/** The installation with the programs that run it, which a machine may lack: `npm run test:deploy`. */
export default defineConfig({
  test: {
    include: ["test/deploy/**/*.program.ts"],
    globalSetup: [
      "test/shell.global.ts",
      "test/redis.global.ts",
      "test/product.global.ts",
      "test/kubernetes.global.ts",
    ],
    // Several processes each: one file after another.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
