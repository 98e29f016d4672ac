import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/redis.global.ts", "test/product.global.ts"],
    // The files share a process: none of them leaves anything behind in it, and each saves loading the packages again.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
