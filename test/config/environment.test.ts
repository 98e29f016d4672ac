import { describe, expect, test } from "vitest";
import { readEnvironment, slackModeProblems, webhookProblems } from "../../src/config/environment.ts";
import type { ProcessKind } from "../../src/config/key-environment.ts";
import { aPrivateKey, aSecret, keys, publicText, variablesNamed } from "../builders/keys.ts";

const ours = variablesNamed("ours");
const { worker } = ours;
const slack = { ...ours.slack, SLACK_BOT_TOKEN: "xoxb-1", SLACK_SIGNING_SECRET: "signing" };
const both = { ...slack, ...worker };
const ofKind = { slack, all: both, worker };

function problemsOf(env: Readonly<Record<string, string | undefined>>, kind: ProcessKind): readonly string[] {
  return readEnvironment(env, kind).problems;
}

describe("the secret of the audit webhook", () => {
  const text = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;

  test("is read as bytes, by the worker alone", () => {
    const { environment } = readEnvironment({ ...worker, AUDIT_WEBHOOK_SECRET: text }, "worker");

    expect(environment?.webhookSecret).toEqual(Buffer.alloc(32, 1));
    expect(problemsOf({ ...slack, AUDIT_WEBHOOK_SECRET: text }, "slack").join()).toContain(
      "AUDIT_WEBHOOK_SECRET: remove",
    );
  });

  test.each(["secret", "whsec_", "whsec_c2hvcnQ="])(
    "is no short or other text, which no problem repeats: %s",
    (wrong) => {
      const [problem = ""] = problemsOf({ ...worker, AUDIT_WEBHOOK_SECRET: wrong }, "worker");

      expect(problem).toMatch(/^AUDIT_WEBHOOK_SECRET: use whsec_/);
      expect(problem).not.toContain(`${wrong}.`);
    },
  );

  test("is needed where there is a webhook", () => {
    expect(webhookProblems(false, true)).toHaveLength(1);
    expect(webhookProblems(false, false)).toEqual([]);
  });
});

describe("what a process needs", () => {
  test("is its keys alone for the worker, and it gets no Slack settings", () => {
    const { environment, problems } = readEnvironment(worker, "worker");

    expect(problems).toEqual([]);
    expect(environment).toEqual({
      configFile: "eks-access.yml",
      webhookSecret: null,
      redisUrl: "redis://localhost:6379",
      redisAccess: {},
      tracing: null,
      slackKeys: null,
      workerKeys: expect.anything(),
      logLevel: "info",
      logFormat: "auto",
      stopWithinSeconds: 25,
      probeEverySeconds: 30,
      slack: null,
    });
  });

  test.each(["slack", "all"] as const)("is the bot token too for %s", (kind) => {
    const { environment } = readEnvironment(ofKind[kind], kind);

    expect(environment?.slack).toMatchObject({ botToken: "xoxb-1", signingSecret: "signing", port: 3000 });
    expect(problemsOf({ ...ofKind[kind], SLACK_BOT_TOKEN: "" }, kind)).toEqual([
      "SLACK_BOT_TOKEN: use the app's bot token (xoxb-…).",
    ]);
  });

  test.each([
    ["slack", "DECISION_SIGNING_KEY"],
    ["slack", "PREVIEW_PUBLIC_KEYS"],
    ["worker", "DECISION_PUBLIC_KEYS"],
    ["worker", "MEMORY_KEYS"],
    ["worker", "PREVIEW_SIGNING_KEY"],
    ["all", "DECISION_SIGNING_KEY"],
    ["all", "MEMORY_KEYS"],
    ["all", "PREVIEW_SIGNING_KEY"],
  ] as const)("of %s is %s", (kind, name) => {
    expect(problemsOf({ ...ofKind[kind], [name]: undefined }, kind)).toEqual([
      expect.stringMatching(new RegExp(`^${name}: use .*eks-access keys`)),
    ]);
  });
});

describe("the worker refuses to start with", () => {
  test.each(["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "DECISION_SIGNING_KEY"])("%s", (name) => {
    const { environment, problems } = readEnvironment({ ...worker, [name]: "xoxb-hunter2secret" }, "worker");

    expect(environment).toBeNull();
    expect(problems).toEqual([`${name}: remove it from the worker's environment.`]);
  });
});

describe("the Slack process refuses to start with", () => {
  test.each(["MEMORY_KEYS", "PREVIEW_SIGNING_KEY"])("%s", (name) => {
    const { environment, problems } = readEnvironment({ ...slack, [name]: "hunter2secret" }, "slack");

    expect(environment).toBeNull();
    expect(problems).toEqual([`${name}: remove it from the Slack process's environment.`]);
  });
});

describe("the keys", () => {
  test("of each process seal what the other one verifies, and nothing else", () => {
    const inSlack = readEnvironment(slack, "slack").environment?.slackKeys;
    const inWorker = readEnvironment(worker, "worker").environment?.workerKeys;
    const decision = inSlack?.decision.seal("decision", "r-1");
    const preview = inWorker?.preview.seal("preview", "r-1");

    expect(inWorker?.decision.isSealed("decision", "r-1", decision)).toBe(true);
    expect(inSlack?.preview.isSealed("preview", "r-1", preview)).toBe(true);
    expect(inWorker?.decision).not.toHaveProperty("seal");
    expect(inSlack?.preview).not.toHaveProperty("seal");
    expect(inSlack).not.toHaveProperty("memory");
  });

  test("of one process for both verify each other without a list", () => {
    const { DECISION_PUBLIC_KEYS: _d, PREVIEW_PUBLIC_KEYS: _p, ...secrets } = both;
    const { environment } = readEnvironment(secrets, "all");
    const decision = environment?.slackKeys?.decision.seal("decision", "r-1");
    const preview = environment?.workerKeys?.preview.seal("preview", "r-1");

    expect(environment?.workerKeys?.decision.isSealed("decision", "r-1", decision)).toBe(true);
    expect(environment?.slackKeys?.preview.isSealed("preview", "r-1", preview)).toBe(true);
  });

  test("may be several, with commas and white space between them; the first secret seals", () => {
    const [older, newer] = [aSecret("older").toString("base64"), aSecret("newer").toString("base64")];
    const publics = [aPrivateKey("older"), aPrivateKey("newer")].map(publicText).join(" ,\n");
    const lists = {
      MEMORY_KEYS: ` ${newer} , ${older}\n`,
      DECISION_PUBLIC_KEYS: publics,
      PREVIEW_PUBLIC_KEYS: publics,
    };

    const { environment } = readEnvironment({ ...worker, ...lists, PREVIEW_PUBLIC_KEYS: "" }, "worker");

    const { memory, decision } = environment?.workerKeys ?? {};
    expect(memory?.ids).toHaveLength(2);
    expect(memory?.seal("entry", 1)).toContain(`${memory?.ids[0]}.`);
    expect(decision?.ids).toHaveLength(2);
    expect(
      readEnvironment({ ...slack, PREVIEW_PUBLIC_KEYS: publics }, "slack").environment?.slackKeys?.preview.ids,
    ).toEqual(decision?.ids);
  });

  test("that are their own are accepted as well as the list of others", () => {
    const others = { DECISION_PUBLIC_KEYS: publicText(aPrivateKey("newer")) };

    const { environment } = readEnvironment({ ...slack, ...others }, "slack");

    expect(environment?.slackKeys?.decision.ids).toHaveLength(2);
    expect(environment?.slackKeys?.decision.ids[0]).toBe(keys.decision.ids[0]);
  });

  test("are another one for each kind: one key for both would sign previews where people decide", () => {
    expect(problemsOf({ ...slack, PREVIEW_PUBLIC_KEYS: worker.DECISION_PUBLIC_KEYS }, "slack")).toEqual([
      "PREVIEW_PUBLIC_KEYS: use another key than for decisions: `eks-access keys`.",
    ]);
  });

  test("that are private are no public ones", () => {
    expect(problemsOf({ ...worker, DECISION_PUBLIC_KEYS: ours.slack.DECISION_SIGNING_KEY }, "worker")).toHaveLength(1);
  });
});

describe("what the mode needs", () => {
  test.each([
    ["http", slack, []],
    ...["", "signing\n", '"signing"'].map(
      (SLACK_SIGNING_SECRET) =>
        [
          "http",
          { ...slack, SLACK_SIGNING_SECRET },
          ["SLACK_SIGNING_SECRET: use the app's signing secret (letters and digits), for slack.mode http."],
        ] as const,
    ),
    ["socket", { ...slack, SLACK_APP_TOKEN: "xapp-1" }, []],
    ["socket", slack, ["SLACK_APP_TOKEN: use the app-level token (xapp-…), for slack.mode socket."]],
  ] as const)("%s", (mode, env, problems) => {
    expect(slackModeProblems(env, "slack", mode)).toEqual(problems);
    expect(slackModeProblems(env, "all", mode)).toEqual(problems);
    expect(slackModeProblems(env, "worker", mode)).toEqual([]);
  });
});

test.each([
  ["MEMORY_KEYS", undefined],
  ["MEMORY_KEYS", "hunter2secret"],
  ["MEMORY_KEYS", "hunter2secret in more than thirty-two bytes, and no base64"],
  ["MEMORY_KEYS", `${worker.MEMORY_KEYS},hunter2secret`],
  ["MEMORY_KEYS", `${worker.MEMORY_KEYS},`],
  ["DECISION_SIGNING_KEY", undefined],
  ["DECISION_SIGNING_KEY", "hunter2secret"],
  ["DECISION_SIGNING_KEY", worker.DECISION_PUBLIC_KEYS],
  ["PREVIEW_SIGNING_KEY", "hunter2secret"],
  ["DECISION_PUBLIC_KEYS", "hunter2secret"],
  ["PREVIEW_PUBLIC_KEYS", `${slack.PREVIEW_PUBLIC_KEYS},hunter2secret`],
  ["REDIS_URL", "hunter2secret"],
  ["REDIS_URL", "https://:hunter2secret@redis"],
  ["REDIS_URL", "redis://:hunter2secret@["],
  ["LOG_LEVEL", "hunter2secret"],
  ["PORT", "hunter2secret"],
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["HEALTH_PORT", "70000"],
  ["SLACK_BOT_TOKEN", "xoxp-hunter2secret"],
  ["SLACK_API_URL", "ftp://hunter2secret"],
])("%s: %j is reported by its name, and nothing of its value", (name, value) => {
  const { environment, problems } = readEnvironment({ ...both, [name]: value }, "all");

  expect(environment).toBeNull();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${name}: ${name === "REDIS_URL" ? "correct its" : "use"} `));
  expect(problems[0]).not.toContain("hunter2secret");
});

test("every problem is reported at once", () => {
  const problems = problemsOf({ REDIS_URL: "x", LOG_LEVEL: "loud", PORT: "x", SLACK_API_URL: "x" }, "slack");

  expect(problems.map((problem) => problem.split(":")[0])).toEqual([
    "REDIS_URL",
    "DECISION_SIGNING_KEY",
    "PREVIEW_PUBLIC_KEYS",
    "LOG_LEVEL",
    "SLACK_BOT_TOKEN",
    "SLACK_API_URL",
    "PORT",
  ]);
});

test("Redis' time-outs have bounds, and their problem names them", () => {
  const set = { REDIS_CONNECT_TIMEOUT: "500ms", REDIS_COMMAND_TIMEOUT: "1m", READY_TIMEOUT: "3s" };
  const { environment } = readEnvironment({ ...worker, ...set }, "worker");

  expect(environment?.redisAccess).toMatchObject({ connectTimeoutMs: 500, commandTimeoutMs: 60_000 });
  expect(environment?.readyWithinMs).toBe(3_000);
  expect(problemsOf({ ...worker, REDIS_CONNECT_TIMEOUT: "50ms", REDIS_COMMAND_TIMEOUT: "2m" }, "worker")).toEqual([
    "REDIS_CONNECT_TIMEOUT: use a time from 100ms to 30s, such as 2s.",
    "REDIS_COMMAND_TIMEOUT: use a time from 500ms to 1m, such as 2s.",
  ]);
  expect(problemsOf({ ...worker, READY_TIMEOUT: "soon" }, "worker")).toHaveLength(1);
});
