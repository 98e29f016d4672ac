import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { configText } from "../builders/a-cluster.ts";

/** The problems of a file; none where it reads. */
function problemsOf(text: string): readonly string[] {
  const reading = readConfig(text);
  return reading.type === "invalid" ? reading.problems : [];
}

describe("a file", () => {
  test("gives clusters by the names that people type, with their levels in full", () => {
    const reading = readConfig(configText);

    expect(reading.type === "config" && reading.config.clusters.get("staging")).toMatchObject({
      name: "staging",
      eksName: "staging-eks",
      levels: [
        { name: "viewer", groups: ["eks-access:viewers"], maxDurationSeconds: 8 * 3600 },
        { name: "admin", groups: ["eks-access:admins"], maxDurationSeconds: 3600 },
      ],
    });
  });

  test("that leaves out what has a default gets it", () => {
    const reading = readConfig(configText);

    expect(reading).toMatchObject({
      type: "config",
      config: {
        slack: { mode: "http" },
        timing: { requestLapsesAfterSeconds: 24 * 3600, sweepEverySeconds: 1 },
      },
    });
    expect(reading.type === "config" && reading.config.clusters.get("staging")).toMatchObject({
      foreignAccounts: [],
      createAwsAuth: false,
    });
  });

  test("as we ship it as an example has no problem, and names every setting that there is", () => {
    const text = readFileSync(new URL("../../eks-access.example.yml", import.meta.url), "utf8");
    const documented = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    const settings = [...documented.matchAll(/^\| `([A-Za-z.]+)`/gm)].map(([, name = ""]) => name.split(".").at(-1));

    expect(problemsOf(text)).toEqual([]);
    expect(settings.length).toBeGreaterThan(10);
    expect(settings.filter((name) => !text.includes(`${name}:`))).toEqual([]);
  });
});

/** Each with what is changed in a good file, and the exact sentence. */
const mistakes: readonly (readonly [string, string, string | RegExp, string])[] = [
  ["clusters", "it is missing; write a block of settings", /clusters:[\s\S]*?(?=^levels)/m, ""],
  ["clusters", "name at least one cluster", /clusters:[\s\S]*?(?=^levels)/m, "clusters: {}\n"],
  ["clusters", "it is a list; write a block of settings", /clusters:[\s\S]*?(?=^levels)/m, "clusters: [staging]\n"],
  [
    "clusters.Staging_1",
    "use lower-case letters, digits and hyphens, up to 63 characters",
    "  staging:",
    "  Staging_1:",
  ],
  [
    "clusters.staging.account",
    'it is a number; write the 12 digits in quotes, for example "111122223333"',
    '"111122223333"',
    "111122223333",
  ],
  [
    "clusters.staging.account",
    'write the 12 digits in quotes, for example "111122223333"',
    '"111122223333"',
    '"1111-2222-3333"',
  ],
  ["clusters.staging.region", "use a region's name, for example eu-central-1", "eu-central-1", "Frankfurt"],
  ["clusters.staging.eksName", "use the name that EKS knows the cluster by", "staging-eks", '"staging eks"'],
  ["clusters.staging.creator", "it is missing; write a block of settings", / {4}creator:\n.*\n/, ""],
  [
    "clusters.staging.creator.roleArn",
    "use a role's ARN, for example arn:aws:iam::111122223333:role/cluster-creator",
    ":role/cluster-creator",
    ":user/somebody",
  ],
  [
    "clusters.staging.creator.roleArn",
    "it is of account 999988887777, the cluster of 111122223333. Only a role of the cluster's own account can have created it",
    "iam::111122223333",
    "iam::999988887777",
  ],
  [
    "clusters.staging.creator.externalId",
    "use 2 to 1224 letters, digits and _+=,.@:/-",
    "role/cluster-creator",
    "role/cluster-creator\n      externalId: a b",
  ],
  ["clusters.staging.channel", "use a Slack channel id, for example C012ABCDEF (not a name)", "C0ACCESS", '"#access"'],
  [
    "clusters.staging.channel",
    "it is empty; use a Slack channel id, for example C012ABCDEF (not a name)",
    "C0ACCESS",
    "",
  ],
  ["clusters.staging.approvers", "name at least one approver", /\[U0.*\]/, "[]"],
  ["clusters.staging.approvers", "it is a text; write a list", /\[U0.*\]/, "U0APPROVER"],
  [
    "clusters.staging.approvers[1]",
    "use a Slack user id, for example U012ABCDEF (not a name)",
    "U0APPROVER2",
    '"@approver"',
  ],
  [
    "clusters.staging.levels[1]",
    "there is no level root. Use one of viewer, admin, or define it under levels",
    "[viewer, admin]",
    "[viewer, root]",
  ],
  [
    "clusters.staging.regoin",
    "there is no such setting. Check its spelling, or remove it",
    "    channel",
    "    regoin: eu-central-1\n    channel",
  ],
  [
    "clusters.staging.createAwsAuth",
    "it is a text; write true or false",
    "    channel",
    "    createAwsAuth: maybe\n    channel",
  ],
  [
    "clusters.also-staging",
    "it is the same EKS cluster as clusters.staging. Name each cluster once",
    /( {2}staging:\n)([\s\S]*?)(?=^levels)/m,
    "$1$2  also-staging:\n$2",
  ],
  ["levels.viewer.groups", "it is a text; write a list", "[eks-access:viewers]", "eks-access:viewers"],
  ["levels.viewer.groups", "name at least one Kubernetes group", "[eks-access:viewers]", "[]"],
  ["levels.viewer.groups[0]", "use printable ASCII without spaces", "eks-access:viewers", "all viewers"],
  ["levels.viewer.groups[0]", "a group can't hold a template", "eks-access:viewers", '"{{SessionName}}"'],
  [
    "levels.viewer.maxDuration",
    "it is missing; write a duration with its unit, for example 30m, 4h or 1h30m",
    "    maxDuration: 8h\n",
    "",
  ],
  [
    "levels.viewer.maxDuration",
    "it is a number; write a duration with its unit, for example 30m, 4h or 1h30m",
    "8h",
    "8",
  ],
  ["levels.viewer.maxDuration", "write a duration with its unit, for example 30m, 4h or 1h30m", "8h", "eight hours"],
  [
    "levels.viewer.verify[0].resource",
    "it is missing; write a resource in the plural, for example pods",
    "8h",
    "8h\n    verify: [{ verb: list }]",
  ],
  ["slack.mode", "use http or socket", "\nclusters", "slack: { mode: pigeon }\nclusters"],
  ["slakc", "there is no such setting. Check its spelling, or remove it", "\nclusters", "slakc: {}\nclusters"],
  [
    "timing.sweepEvery",
    "write a duration with its unit, for example 30m, 4h or 1h30m",
    "\nclusters",
    "timing: { sweepEvery: 0s }\nclusters",
  ],
];

test.each(mistakes)("%s: %s", (path, sentence, from, to) => {
  expect(problemsOf(configText.replace(from, to))).toEqual([`${path}: ${sentence}.`]);
});

test("every problem is told at once", () => {
  const text = configText.replace("C0ACCESS", '"#access"').replace("8h", "8").replace('"111122223333"', "111122223333");

  expect(problemsOf(text).map((problem) => problem.split(":")[0])).toEqual([
    "clusters.staging.account",
    "clusters.staging.channel",
    "levels.viewer.maxDuration",
  ]);
});

describe("a file that is no good YAML is told with its place", () => {
  test.each([
    ["", "eks-access.yml: it is empty. Start from eks-access.example.yml."],
    ["# only this\n", "eks-access.yml: it is empty. Start from eks-access.example.yml."],
    ["- a\n", "eks-access.yml: it is a list; write a block of settings."],
    [
      "slack: {}\nslack: {}\n",
      "eks-access.yml line 2, column 1: this is not valid YAML (duplicated mapping key). Correct it there.",
    ],
    [
      "a:\n\t- b\n",
      "eks-access.yml line 2, column 1: this is not valid YAML (tab characters must not be used in indentation). Correct it there.",
    ],
  ])("%j", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test("and without the lines around it", () => {
    const [problem] = problemsOf('password: "hunter2secret"\nclusters: [\n');

    expect(problem).toContain("this is not valid YAML");
    expect(problem).not.toContain("hunter2secret");
  });
});

describe("a hostile file", () => {
  test.each([
    ["a bomb of aliases", `a: &a [x,x,x,x,x,x,x,x]\n${bomb()}`],
    ["a list that holds itself", "clusters: &c [*c]\nlevels: *c\n"],
    ["a block that holds itself", "clusters: &c\n  staging: *c\nlevels: *c\n"],
    ["a prototype", "__proto__: { clusters: {} }\nclusters: { __proto__: {} }\nlevels: { __proto__: {} }\n"],
    ["a tag of code", "clusters: !!js/function 'function () { return 1 }'\nlevels: {}\n"],
    ["many levels of nesting", `clusters: ${"[".repeat(3_000)}${"]".repeat(3_000)}\n`],
  ])("with %s is answered with problems, and soon", (_, text) => {
    const began = performance.now();

    expect(problemsOf(text).length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("never throws, whatever it holds", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.json()), (text) => {
        expect(readConfig(text).type).toBe("invalid");
      }),
    );
  });

  test("never throws for a good one in which a few characters are other ones", () => {
    fc.assert(
      fc.property(fc.nat(configText.length), fc.string({ maxLength: 4 }), (place, noise) => {
        const reading = readConfig(configText.slice(0, place) + noise + configText.slice(place + noise.length));

        expect(["config", "invalid"]).toContain(reading.type);
      }),
      { numRuns: 500 },
    );
  });
});

/** Nine aliases, each of eight of the one before: 8⁹ items where somebody counts them. */
function bomb(): string {
  return "bcdefghij"
    .split("")
    .map((name, index) => `${name}: &${name} [${Array(8).fill(`*${"abcdefghi"[index]}`).join(",")}]\n`)
    .join("");
}
