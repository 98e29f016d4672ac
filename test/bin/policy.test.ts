import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { sealFleetList } from "../../src/access/policy/fleet-list.ts";
import { runPolicy } from "../../src/bin/policy.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { configText } from "../builders/a-cluster.ts";
import { aFleetCluster, fleetText } from "../builders/a-fleet.ts";
import { keys, variablesNamed } from "../builders/keys.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { runCommand } from "./check-run.ts";

const policy = `
policy:
  rules:
    - name: admins are of the platform team
      who: [S0PLATFORM]
      levels: [admin]
      approvals: 2
      approvers: [S0LEADS]
      shared: refuse
      hours: { zone: UTC, from: "09:00", to: "18:00", outside: one-more-approval }
    - name: ours look
      who: ["@example.com"]
      levels: [viewer]
      principals: { linkedOnly: true }
  breakGlass: [{ who: [S0ONCALL], level: admin, for: 1h }]
`;
const people = `
people:
  engineer: { user: U0ENGINEER, email: dev@Example.com, linked: "arn:aws:iam::111122223333:user/engineer" }
  admin: { user: U0ADMIN, groups: [S0PLATFORM] }
  lead: { groups: [S0PLATFORM, S0LEADS] }
  approver: { user: U0APPROVER }
  guest: {}
  on-call: { groups: [S0ONCALL] }
`;
let folder: string;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-policy-"));
  config = join(folder, "eks-access.yml");
  await writeFile(config, `${configText}${policy}`);
});

afterAll(() => rm(folder, { recursive: true }));

async function run(argv: readonly string[], stdin = "") {
  const { code, stdout: out, stderr: error } = await runCommand(runPolicy, [...argv, "--config", config], { stdin });
  return { code, out, error };
}

function expecting(...sentences: readonly string[]) {
  return run(["test", "-"], `${people}\nexpect:\n${sentences.map((each) => `  - ${JSON.stringify(each)}\n`).join("")}`);
}

describe("policy test", () => {
  test.each([
    "an engineer may ask for viewer on staging for 8h",
    "An engineer may not ask for viewer on staging for 9h.",
    "an engineer may not ask for admin on staging",
    "an engineer may not ask for viewer on staging as arn:aws:iam::111122223333:role/other",
    "a guest may not ask for viewer on staging",
    "the admin may ask for admin on staging for 1h",
    "an approver may not approve a request of his own",
    "a lead may not approve a request of their own for admin on staging",
    "a lead may approve a request of an admin for admin on staging",
    "an admin may not approve a request of a lead for admin on staging",
    "an approver may approve a request of an engineer for viewer on staging",
    "a request of an admin for admin on staging takes two approvals",
    "a request of an admin for admin on staging takes 3 approvals at 2026-03-07T12:00:00Z",
    "a request of an engineer for viewer on staging takes 1 approval",
    "the admin may not ask for admin on staging as arn:aws:iam::111122223333:role/admins",
    "the admin may ask for admin on staging as arn:aws:iam::111122223333:user/admin",
    "the on-call may take emergency access to staging",
    "an engineer may not take emergency access to staging",
  ])("%s: holds, and its opposite does not", async (sentence) => {
    const opposite = sentence.includes(" takes ")
      ? sentence.replace(/takes \w+/, "takes 9")
      : sentence.replace(/ may (not )?/, (_, not?: string) => (not ? " may " : " may not "));

    const holds = await expecting(sentence);
    const fails = await expecting(opposite);

    expect(holds).toMatchObject({ code: 0, error: "" });
    expect(holds.out).toMatch(/^✓ [\s\S]*1 of 1 expectations hold\n$/);
    expect(fails.code).toBe(1);
    expect(fails.out).toMatch(/^✗ [\s\S]*0 of 1 expectations hold\n$/);
  });

  test.each([
    ["without a zone, which each machine reads in its own", "2026-03-07T12:00"],
    ["of a day that no month has", "2026-02-30T12:00:00Z"],
    ["that is a number", "9"],
  ])("takes no time %s", async (_, time) => {
    const { code, out } = await expecting(`a request of an admin for admin on staging takes 2 approvals at ${time}`);

    expect(code).toBe(2);
    expect(out).toMatch(/eks-access can't read this\. Write one of:[\s\S]* \[at 2026-03-01T09:00Z\]\n/);
  });

  test("says which rule decided", async () => {
    const { out } = await expecting(
      "an engineer may ask for viewer on staging",
      "a guest may ask for admin on staging",
    );

    expect(out).toBe(
      [
        "✓ an engineer may ask for viewer on staging",
        '    allowed, by the rule "ours look"',
        "✗ a guest may ask for admin on staging",
        "    refused: The policy does not let you ask for admin on staging",
        "1 of 2 expectations hold",
        "",
      ].join("\n"),
    );
  });

  test.each<[string, string]>([
    ["an engineer would like admin", "eks-access can't read this. Write one of:"],
    ["an engineer may ask for viewer on staging for ever", "eks-access can't read this. Write one of:"],
    [
      "a request of an admin for admin on staging takes two approvals at noon",
      "eks-access can't read this. Write one of:",
    ],
    ["a stranger may ask for viewer on staging", "there is no person stranger"],
    ["a lead may approve a request of a stranger for admin on staging", "there is no person stranger"],
    ["an engineer may ask for viewer on prod", "there is no cluster prod"],
    ["an engineer may ask for root on staging", "staging offers no level root"],
    ["an engineer may ask for viewer on staging as arn:aws:iam::1:role/x", "can't get access"],
  ])("%s: is unusable, and says why", async (sentence, why) => {
    const { code, out } = await expecting(sentence);

    expect(code).toBe(2);
    expect(out).toContain(why);
  });

  test.each<[string, string, string]>([
    ["a file without expectations", "people: {}\nexpect: []", "write at least one expectation"],
    ["a file that is no YAML", "a: [", "invalid YAML"],
    ["a setting that there is not", "people: {}\nexpect: [a]\nmore: 1", "no such setting"],
    ["a person twice", "people: { Alice: {}, alice: {} }\nexpect: [a]", "people: give each person another name"],
    ["a list", "- a", "-: it is a list; write a block of settings."],
  ])("%s is unusable", async (_, stdin, why) => {
    const { code, error } = await run(["test", "-"], stdin);

    expect(code).toBe(2);
    expect(error).toContain(why);
  });
});

describe("policy explain", () => {
  test("warns where a rule gives full control away with one approval", async () => {
    const masters = configText.replace("eks-access:admins", "system:masters");
    const file = join(folder, "one.yml");
    await writeFile(file, `${masters}policy: { rules: [{ name: alone, approvals: 1 }] }`);
    const argv = ["explain", "--user", "U0ENGINEER", "--cluster", "staging", "--level", "admin", "--config", file];

    const { stdout } = await runCommand(runPolicy, argv);

    expect(stdout).toContain(
      'Warning: admin is full control of staging, and the rule "alone" asks for one approval. Write approvals: 2, or remove it.\n',
    );
  });

  test("warns where a rule lets everyone with a role have full control", async () => {
    const masters = configText.replace("eks-access:admins", "system:masters");
    const file = join(folder, "shared.yml");
    await writeFile(file, `${masters}policy: { rules: [{ name: open, shared: warn }] }`);
    const argv = ["explain", "--user", "U0ENGINEER", "--cluster", "staging", "--level", "admin", "--config", file];

    const { stdout } = await runCommand(runPolicy, argv);

    expect(stdout).toContain(
      'Warning: admin is full control of staging, and the rule "open" lets everyone with a role have it. Write shared: refuse, or remove it.\n',
    );
  });

  test("says that a level is for one person, and refuses a role but not one session", async () => {
    const set = "AWSReservedSSO_Admins_0123456789abcdef";
    const bound = configText.replace("groups: [eks-access:admins]", "bind: [{ clusterRole: cluster-admin, in: all }]");
    const file = join(folder, "bound.yml");
    await writeFile(file, bound);
    const argv = ["explain", "--user", "U0ENGINEER", "--cluster", "staging", "--level", "admin", "--config", file];
    const explained = (principal: string) => runCommand(runPolicy, [...argv, "--principal", principal]);

    const role = await explained(`arn:aws:iam::111122223333:role/${set}`);
    const session = await explained(`arn:aws:sts::111122223333:assumed-role/${set}/alice@example.com`);

    expect(role).toMatchObject({ code: 1, stdout: expect.stringContaining("Refused (shared): ") });
    expect(session).toMatchObject({ code: 0, stdout: expect.stringContaining("Allowed: ") });
    expect(role.stdout).toContain("  only for one person: an IAM user, or one session of a role\n");
  });

  test("shows the rules in their order, up to the one that decides, and what it asks for", async () => {
    const linked = "arn:aws:iam::111122223333:user/engineer";
    const argv = ["--user", "U0ENGINEER", "--email", "dev@example.com", "--linked", linked, "--for", "4h"];

    const { code, out } = await run(["explain", ...argv, "--cluster", "staging", "--level", "viewer"]);

    expect(code).toBe(0);
    expect(out).toBe(
      [
        "Rules for staging, in order:",
        '  – the rule "admins are of the platform team": it is for admin',
        '  → the rule "ours look": it decides',
        "Allowed: U0ENGINEER may ask for viewer on staging.",
        "  1 approval by U0APPROVER, U0APPROVER2, never of their own requests",
        "  only for the linked principal",
        "",
      ].join("\n"),
    );
  });

  test("says why it is refused, and under which rule", async () => {
    const argv = [
      "--user",
      "U0ADMIN",
      "--group",
      "S0PLATFORM",
      "--for",
      "2h",
      "--cluster",
      "staging",
      "--level",
      "admin",
    ];

    const { code, out } = await run(["explain", ...argv]);

    expect(code).toBe(1);
    expect(out).toContain("Refused (too-long): admin lasts at most 1h.");
  });

  test.each<[readonly string[], string]>([
    [["--user", "bob"], "Give --user as a Slack user id, such as U012ABCDEF."],
    [["--user", "U0A", "--cluster", "prod"], "There is no cluster prod. Clusters: staging."],
    [
      ["--user", "U0A", "--cluster", "staging", "--level", "root"],
      "staging does not offer root. Levels: viewer, admin.",
    ],
    [["--user", "U0A", "--cluster", "staging", "--level", "admin", "--for", "soon"], "Give --for as a duration"],
    [["--user", "U0A", "--cluster", "staging", "--level", "admin", "--at", "noon"], "Give --at as a time"],
    [["--user", "U0A", "--cluster", "staging", "--level", "admin", "--at", "1.9.2026 9:00"], "Give --at as a time"],
    [["--user", "U0A", "--cluster", "staging", "--level", "admin", "--linked", "me"], "--linked: This is not"],
    [["--nobody"], "Unknown option --nobody."],
  ])("%j is unusable: %s", async (argv, why) => {
    const { code, error } = await run(["explain", ...argv]);

    expect(code).toBe(2);
    expect(error).toContain(why);
  });
});

test("a contradictory policy is refused, with every problem", async () => {
  const broken = join(folder, "broken.yml");
  await writeFile(broken, `${configText}policy: { rules: [{ name: a, approvals: 9 }] }`);

  const { code, stderr: error } = await runCommand(runPolicy, ["test", "-", "--config", broken]);

  expect(code).toBe(2);
  expect(error).toContain("viewer on staging needs 9 approvals by the rule a");
  expect(error).toContain("admin on staging needs 9 approvals by the rule a");
});

test.each([
  ["clusters: [", "\n  - line 1, column 12: invalid YAML: "],
  ["", "\n  - it is empty."],
  ["- staging", "\n  - it is a list"],
])("a mistake in the file of --config, such as %j, names no other file", async (text, why) => {
  const file = join(folder, "proposed.yml");
  await writeFile(file, text);

  const { code, stderr: error } = await runCommand(runPolicy, ["test", "-", "--config", file]);

  expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(`${file} has problems:${why}`) });
  expect(error).not.toContain("eks-access.yml");
});

test("neither test nor explain is answered with the usage", async () => {
  const { code, error } = await run(["check"]);

  expect(code).toBe(2);
  expect(error).toMatch(/^eks-access policy: Give test, explain or clusters\.\n\nUsage: eks-access policy test/);
});

test("a file of clusters that does not exist is refused, also without a fleet", async () => {
  const { code, error } = await run(["test", "-", "--clusters", join(folder, "nope.json")]);

  expect(code).toBe(2);
  expect(error).toContain("no such file");
});

describe("with a fleet", () => {
  const fleetConfig = () => join(folder, "fleet.yml");
  const clusters = [
    { account: "111122223333", region: "eu-central-1", eksName: "payments", tags: { env: "production" } },
    { account: "444455556666", region: "eu-central-1", eksName: "shop", tags: { env: "dev" } },
  ];
  const expectations = `people: { engineer: {} }
expect:
  - a request of an engineer for viewer on payments takes 2 approvals
  - a request of an engineer for viewer on shop takes 1 approval
`;
  const ask = (argv: readonly string[]) =>
    runCommand(runPolicy, [...argv, "--config", fleetConfig()], { stdin: expectations });
  let database: TestRedis;

  beforeAll(async () => {
    await writeFile(fleetConfig(), fleetText);
    await writeFile(join(folder, "clusters.json"), JSON.stringify(clusters));
    database = await aRedis();
    const { redis, close } = await connectRedis(database.url);
    const at = new Date().toISOString();
    const list = clusters.map((each) => aFleetCluster({ ...each, since: at, seenAt: at }));
    const gone = aFleetCluster({ eksName: "old", since: at, seenAt: at, goneSince: at });
    await redisLedger(redis).publishFleet(sealFleetList({ at, clusters: [...list, gone] }, keys.preview), null);
    await close();
  });
  afterAll(() => database.close());
  afterEach(() => vi.unstubAllEnvs());

  const inWorker = () => {
    for (const [name, value] of Object.entries(variablesNamed("ours").worker)) vi.stubEnv(name, value);
    vi.stubEnv("REDIS_URL", database.url);
  };

  test("each cluster has the rules of its tags, from a file", async () => {
    const { code, stdout, stderr } = await ask(["test", "-", "--clusters", join(folder, "clusters.json")]);

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("2 of 2 expectations hold");
  });

  test("in the environment of a process they are those that the workers know, and can be printed for another place", async () => {
    inWorker();
    const tested = await ask(["test", "-"]);
    const explained = await ask(["explain", "--user", "U0ONE", "--cluster", "shop", "--level", "viewer"]);
    const printed = await runCommand(runPolicy, ["clusters"]);

    expect(tested).toMatchObject({ code: 0, stderr: "" });
    expect(explained.stdout).toContain(`→ the rule "dev"`);
    expect(JSON.parse(printed.stdout)).toEqual(clusters);
  });

  test("anywhere else it says how to give them, and still judges the clusters of the file", async () => {
    const { code, stdout, stderr } = await ask(["test", "-"]);

    expect(code).toBe(2);
    expect(stderr).toContain(
      "Can't read the fleet. Run this where a process runs. Or use --clusters (eks-access policy clusters)",
    );
    expect(stdout).toContain("there is no cluster payments");
  });

  test.each([
    ["is no list", "a: b", "write a list"],
    [
      "has a wrong account",
      '[{ "account": 12, "region": "eu-central-1", "eksName": "a" }]',
      "[0].account: it is a number",
    ],
  ])("a file of clusters that %s is refused", async (_, text, message) => {
    await writeFile(join(folder, "wrong.json"), text);

    const { code, stderr } = await ask(["test", "-", "--clusters", join(folder, "wrong.json")]);

    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
