import { describe, expect, test } from "vitest";
import { type ProcessKind, readEnvironment, slackModeProblems } from "../../src/config/environment.ts";

const sealKey = "s".repeat(32);
const worker = { EKS_ACCESS_SEAL_KEYS: sealKey };
const slack = { ...worker, SLACK_BOT_TOKEN: "xoxb-1", SLACK_SIGNING_SECRET: "signing" };

function problemsOf(env: Readonly<Record<string, string | undefined>>, kind: ProcessKind): readonly string[] {
  return readEnvironment(env, kind).problems;
}

describe("what a process needs", () => {
  test("is the seal keys alone for the worker, and it gets no Slack settings", () => {
    const { environment, problems } = readEnvironment(worker, "worker");

    expect(problems).toEqual([]);
    expect(environment).toEqual({
      configFile: "eks-access.yml",
      redisUrl: "redis://localhost:6379",
      redisAccess: {},
      tracing: null,
      sealSecrets: [sealKey],
      logLevel: "info",
      logFormat: "auto",
      stopWithinSeconds: 25,
      probeEverySeconds: 30,
      slack: null,
    });
  });

  test.each(["slack", "all"] as const)("is the bot token too for %s", (kind) => {
    const { environment } = readEnvironment(slack, kind);

    expect(environment?.slack).toMatchObject({ botToken: "xoxb-1", signingSecret: "signing", port: 3000 });
    expect(problemsOf(worker, kind)).toEqual([
      "SLACK_BOT_TOKEN: set the bot token of the Slack app (it starts with xoxb-).",
    ]);
  });
});

describe("the worker refuses to start with", () => {
  test.each(["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"])("%s", (name) => {
    const { environment, problems } = readEnvironment({ ...worker, [name]: "xoxb-hunter2secret" }, "worker");

    expect(environment).toBeNull();
    expect(problems).toEqual([`${name}: remove it from the worker's environment; the worker must not have it.`]);
  });
});

describe("what the mode needs", () => {
  test.each([
    ["http", slack, []],
    [
      "http",
      { ...slack, SLACK_SIGNING_SECRET: "" },
      ["SLACK_SIGNING_SECRET: set the signing secret of the Slack app; slack.mode http needs it."],
    ],
    ["socket", { ...slack, SLACK_APP_TOKEN: "xapp-1" }, []],
    ["socket", slack, ["SLACK_APP_TOKEN: set an app-level token (it starts with xapp-); slack.mode socket needs it."]],
  ] as const)("%s", (mode, env, problems) => {
    expect(slackModeProblems(env, "slack", mode)).toEqual(problems);
    expect(slackModeProblems(env, "all", mode)).toEqual(problems);
    expect(slackModeProblems(env, "worker", mode)).toEqual([]);
  });
});

test("seal keys may be several, with commas and white space between them; the first one signs", () => {
  const { environment } = readEnvironment(
    { EKS_ACCESS_SEAL_KEYS: ` ${"a".repeat(32)} , ${"b".repeat(40)}\n` },
    "worker",
  );

  expect(environment?.sealSecrets).toEqual(["a".repeat(32), "b".repeat(40)]);
});

test.each([
  ["EKS_ACCESS_SEAL_KEYS", undefined],
  ["EKS_ACCESS_SEAL_KEYS", "hunter2secret"],
  ["EKS_ACCESS_SEAL_KEYS", `${sealKey},hunter2secret`],
  ["EKS_ACCESS_SEAL_KEYS", `${sealKey},`],
  ["REDIS_URL", "hunter2secret"],
  ["REDIS_URL", "https://:hunter2secret@redis"],
  ["REDIS_URL", "redis://:hunter2secret@["],
  ["LOG_LEVEL", "hunter2secret"],
  ["PORT", "hunter2secret"],
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["SLACK_BOT_TOKEN", "xoxp-hunter2secret"],
  ["SLACK_API_URL", "ftp://hunter2secret"],
])("%s: %j is told by its name, and nothing of its value", (name, value) => {
  const { environment, problems } = readEnvironment({ ...slack, [name]: value }, "all");

  expect(environment).toBeNull();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${name}: (use|set) `));
  expect(problems[0]).not.toContain("hunter2secret");
});

test("every problem is told at once", () => {
  const problems = problemsOf({ REDIS_URL: "x", LOG_LEVEL: "loud", PORT: "x", SLACK_API_URL: "x" }, "slack");

  expect(problems.map((problem) => problem.split(":")[0])).toEqual([
    "REDIS_URL",
    "EKS_ACCESS_SEAL_KEYS",
    "LOG_LEVEL",
    "SLACK_BOT_TOKEN",
    "SLACK_API_URL",
    "PORT",
  ]);
});
