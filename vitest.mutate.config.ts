import { defineConfig } from "vitest/config";

/**
 * What `npm run mutate` runs against each mutant: the tests of src/aws-auth that take no Redis. Property tests are left
 * out: they take seconds each, and what they would catch by chance the fixtures are to catch every time.
 */
export default defineConfig({
  test: {
    include: [
      "test/aws-auth/**/*.test.ts",
      "test/access/{arn,principal}.test.ts",
      "test/bin/check.test.ts",
      "test/bin/plan.test.ts",
    ],
    exclude: ["**/*.property.test.ts"],
    testTimeout: 20_000,
  },
});
