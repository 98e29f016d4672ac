import { afterEach, expect, test, vi } from "vitest";
import setup from "./shell.global.ts";

afterEach(() => vi.unstubAllEnvs());

test.each(["AWS_PROFILE", "AWS_ENDPOINT_URL", "SLACK_BOT_TOKEN", "REDIS_PASSWORD", "MEMORY_KEYS", "NODE_ENV"])(
  "no test depends on the %s of the shell that runs it",
  (name) => {
    vi.stubEnv(name, "of-the-shell");

    setup();

    expect(process.env).not.toHaveProperty(name);
  },
);

test("the tests keep what they need of the shell: programs, a Redis, how to run", () => {
  const kept = {
    PATH: "/bin",
    REDIS_URL: "redis://127.0.0.1:1",
    EKS_ACCESS_TESTS: "long",
    HTTPS_PROXY: "http://proxy",
  };
  for (const [name, value] of Object.entries(kept)) vi.stubEnv(name, value);

  setup();

  expect(process.env).toMatchObject(kept);
});
