import { defineConfig } from "vitest/config";

/** The sandbox's page in a real browser: `npm run test:page`, and `npm run images` for the pictures of the documentation. */
export default defineConfig({
  test: {
    include: ["test/sandbox/page/**/*.browser.ts"],
    globalSetup: ["test/shell.global.ts", "test/product.global.ts"],
    // One browser and one sandbox at a time.
    fileParallelism: false,
    // Each step of a story stands on the one before it.
    bail: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
