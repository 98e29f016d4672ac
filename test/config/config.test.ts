import { readFileSync } from "node:fs";
import fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { anyCharacter } from "../any-text.ts";
import { configText } from "../builders/a-cluster.ts";
import { cpuTimeOf } from "../cpu-time.ts";
import { mistakes } from "./mistakes.ts";

/** The problems of a file; none where it reads. */
function problemsOf(text: string): readonly string[] {
  const reading = readConfig(text);
  return reading.type === "invalid" ? reading.problems : [];
}

/** The place of each problem, without its sentence. */
function placesOf(text: string): readonly (string | undefined)[] {
  return problemsOf(text).map((problem) => problem.split(":")[0]);
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
        timing: { requestExpiresAfterSeconds: 24 * 3600, sweepEverySeconds: 1 },
      },
    });
    expect(reading.type === "config" && reading.config.clusters.get("staging")).toMatchObject({
      foreignAccounts: [],
      createAwsAuth: false,
    });
  });

  test("as we ship it as an example has no problem, and names every setting that there is", () => {
    const text = readFileSync(new URL("../../eks-access.example.yml", import.meta.url), "utf8");
    const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    const [documented = ""] = page.split("\n## Environment\n");
    const lines = [...documented.matchAll(/^- (`[A-Za-z.]+`(?:, `[A-Za-z.]+`)*)/gm)].map(([, names = ""]) => names);
    const settings = lines
      .flatMap((names) => names.replaceAll("`", "").split(", "))
      .map((name) => name.split(".").at(-1));

    expect(problemsOf(text)).toEqual([]);
    expect(settings.length).toBeGreaterThan(45);
    expect(settings.filter((name) => !text.includes(`${name}:`))).toEqual([]);
  });
});

describe("what clusters share", () => {
  const shared = `
defaults:
  region: eu-central-1
  creator: { roleArn: "arn:aws:iam::{account}:role/{name}-creator" }
  channel: C0ACCESS
  approvers: &people [U0APPROVER, U0APPROVER2]
  levels: [viewer]
templates:
  production: { levels: [viewer, admin], ticket: required }
  us: { region: us-east-1 }
levels:
  viewer: { groups: ["eks-access:viewers"], maxDuration: 8h }
  admin: { groups: ["eks-access:admins"], maxDuration: 1h }
x-anchors: { quiet: &freeze "release freeze" }
`;
  const withClusters = (clusters: string) => `${shared}clusters:\n${clusters}`;
  const clusterIn = (text: string, name: string) => {
    const reading = readConfig(text);
    return reading.type === "config" ? reading.config.clusters.get(name) : expect.fail(reading.problems.join("\n"));
  };

  test("is written once: by defaults, by templates of which the last wins, and by the cluster before both", () => {
    const text = withClusters(`
  dev: { account: "111122223333" }
  prod: { template: [production, us], account: "444455556666", levels: [admin], quiet: *freeze, onCall: *people }`);

    expect(clusterIn(text, "dev")).toMatchObject({
      ...{ eksName: "dev", region: "eu-central-1", account: "111122223333", ticket: { need: "none" } },
      creator: { roleArn: "arn:aws:iam::111122223333:role/dev-creator" },
    });
    expect(clusterIn(text, "prod")).toMatchObject({
      ...{ eksName: "prod", region: "us-east-1", ticket: { need: "required" }, levels: [{ name: "admin" }] },
      creator: { roleArn: "arn:aws:iam::444455556666:role/prod-creator" },
      ...{ quiet: "release freeze", onCall: ["U0APPROVER", "U0APPROVER2"] },
    });
  });

  test("can be written with YAML's merge keys too", () => {
    const text = configText
      .replace("  staging:", "  staging: &staging")
      .replace("\nlevels:", "\n  copy:\n    <<: *staging\n    eksName: copy-eks\nlevels:");

    expect(clusterIn(text, "copy")).toMatchObject({ name: "copy", eksName: "copy-eks", channel: "C0ACCESS" });
  });

  test("has each of its mistakes named once, where it is written", () => {
    const text = withClusters(
      `  a: { template: us, account: "111122223333" }\n  b: { template: us, account: "111122223334" }\n`,
    );

    expect(problemsOf(text.replace("C0ACCESS", '"#access"'))).toEqual([
      "defaults.channel: use a Slack channel id, for example C012ABCDEF (not a name).",
    ]);
    expect(problemsOf(text.replace("{ region: us-east-1 }", "{ regoin: us-east-1 }"))).toEqual([
      "templates.us.regoin: no such setting. Correct or remove it.",
    ]);
    expect(problemsOf(text.replace("template: us", "template: eu"))).toEqual([
      "clusters.a.template: there is no template eu. Define it under templates, or use one of production, us.",
    ]);
    expect(problemsOf(text.replace("channel: C0ACCESS", ""))).toEqual([
      "clusters.a.channel: it is missing; use a Slack channel id, for example C012ABCDEF (not a name).",
      "clusters.b.channel: it is missing; use a Slack channel id, for example C012ABCDEF (not a name).",
    ]);
    expect(problemsOf(`defaults: []\n${configText}`)).toEqual(["defaults: it is a list; write a block of settings."]);
  });

  test("makes 120 clusters a line each", () => {
    const lines = Array.from({ length: 120 }, (_, at) => `  c-${at}: { account: "${111122223333 + (at % 40)}" }`);

    expect(problemsOf(withClusters(lines.join("\n")))).toEqual([]);
  });
});

test.each(mistakes)("%s: %s", (path, sentence, from, to) => {
  expect(problemsOf(configText.replace(from, to))).toEqual([`${path}: ${sentence}.`]);
});

describe("every problem is reported at once", () => {
  test("an unknown level beside a wrong form", () => {
    const text = configText
      .replace("C0ACCESS", '"#access"')
      .replace("8h", "8")
      .replace('"111122223333"', "111122223333")
      .replace("levels: [viewer", "levels: [viewr, viewer");

    expect(placesOf(text)).toEqual([
      "clusters.staging.account",
      "clusters.staging.channel",
      "levels.viewer.maxDuration",
      "clusters.staging.levels[0]",
    ]);
  });

  test("what a cluster, a rule and a time need beside a wrong form", () => {
    const value = load(configText) as { clusters: Record<string, Record<string, unknown>> };
    const { staging } = value.clusters;
    const creator = { roleArn: "arn:aws:iam::999999999999:role/creator" };
    const text = JSON.stringify({
      ...value,
      clusters: {
        staging: { ...staging, channel: "#access" },
        other: { ...staging, eksName: "other", creator },
        again: { ...staging, eksName: "other" },
      },
      policy: {
        rules: [
          { name: "all", clusters: ["staging", "nowhere"], levels: ["viewer", "nothing"] },
          { name: "all", levels: ["viewer"] },
        ],
      },
      ledger: { keep: "7d" },
      timing: { requestExpiresAfter: "8d" },
      typo: 1,
    });

    expect(placesOf(text)).toEqual([
      "clusters.staging.channel",
      "typo",
      "clusters.other.creator.roleArn",
      "clusters.again",
      "policy.rules[0].clusters[1]",
      "policy.rules[0].levels[1]",
      "policy.rules[1].name",
      "clusters.staging.levels[1]",
      "clusters.other.levels[1]",
      "clusters.again.levels[1]",
      "ledger.keep",
    ]);
  });

  test("and none about what a wrong form hides", () => {
    const value = load(configText) as { clusters: Record<string, Record<string, unknown>> };
    const { staging } = value.clusters;
    const text = JSON.stringify({
      ...value,
      clusters: { staging: { ...staging, labels: { env: 1 } } },
      policy: {
        rules: [
          { name: "all", clusters: ["staging"] },
          { name: "labelled", clusters: { env: "x" } },
        ],
      },
      linking: { confirm: "administrator" },
      administrators: "U1",
    });

    expect(placesOf(text)).toEqual(["clusters.staging.labels.env", "administrators"]);
  });
});

describe("a file that is no good YAML is reported with its place", () => {
  test.each([
    ["", "eks-access.yml: it is empty. Start from eks-access.example.yml."],
    ["# only this\n", "eks-access.yml: it is empty. Start from eks-access.example.yml."],
    ["- a\n", "eks-access.yml: it is a list; write a block of settings."],
    ["slack: {}\nslack: {}\n", "eks-access.yml line 2, column 1: invalid YAML: duplicated mapping key."],
    ["a:\n\t- b\n", "eks-access.yml line 2, column 1: invalid YAML: tab characters must not be used in indentation."],
  ])("%j", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test.each([
    ["  staging:", "  0x10:", "clusters.0x10: use quotes around this name."],
    [
      "    channel:",
      "    labels: { 1.0: a }\n    channel:",
      "clusters.staging.labels.1.0: use quotes around this name.",
    ],
    [
      "    channel:",
      "    labels: { __proto__: a }\n    channel:",
      "clusters.staging.labels.__proto__: use another name.",
    ],
    ["  viewer:", "  __proto__: {}\n  viewer:", "levels.__proto__: use another name."],
  ])("where YAML or JavaScript reads another name than %j", (good, bad, problem) => {
    expect(problemsOf(configText.replace(good, bad))).toContain(problem);
  });

  test("a name in quotes is read as it is written", () => {
    const problems = problemsOf(configText.replace("  staging:", '  "0x10":'));

    expect(problems.join()).not.toContain("quotes");
  });

  test.each([
    ["!!int 0x10", "clusters.staging.duration"],
    ["!!float 1.5", "clusters.staging.duration"],
    ["!!bool true", "clusters.staging.duration"],
    ["!!null ~", "clusters.staging.duration"],
  ])("a value with the tag of %s is read, and only its setting is wrong", (value, place) => {
    const problems = problemsOf(configText.replace("    channel:", `    duration: ${value}\n    channel:`));

    expect(problems).toEqual([expect.stringContaining(`${place}:`)]);
  });

  test("and without the lines around it", () => {
    const [problem] = problemsOf('password: "hunter2secret"\nclusters: [\n');

    expect(problem).toContain("invalid YAML");
    expect(problem).not.toContain("hunter2secret");
  });
});

describe("a hostile file", () => {
  test.each([
    ["a bomb of aliases", `a: &a [x,x,x,x,x,x,x,x]\n${bomb()}`],
    ["a list that holds itself", "clusters: &c [*c]\nlevels: *c\n"],
    ["a block that holds itself", "clusters: &c\n  staging: *c\nlevels: *c\n"],
    [
      "a bomb of aliases in what clusters share",
      `a: &a [x,x,x,x,x,x,x,x]\n${bomb()}defaults: { creator: *j }\nclusters: { a: {}, b: {} }\nlevels: {}\n`,
    ],
    ["defaults that hold themselves", "defaults: &d { creator: *d }\nclusters: { a: {} }\nlevels: {}\n"],
    [
      "templates of a prototype",
      "clusters: { a: { template: __proto__ }, b: { template: constructor } }\nlevels: {}\n",
    ],
    ["a prototype", "__proto__: { clusters: {} }\nclusters: { __proto__: {} }\nlevels: { __proto__: {} }\n"],
    ["a tag of code", "clusters: !!js/function 'function () { return 1 }'\nlevels: {}\n"],
    ["many levels of nesting", `clusters: ${"[".repeat(3_000)}${"]".repeat(3_000)}\n`],
  ])("with %s is answered with problems, and soon", (_, text) => {
    const took = cpuTimeOf(() => expect(problemsOf(text).length).toBeGreaterThan(0));

    expect(took).toBeLessThan(2_000);
  });

  test("never throws, whatever it holds", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: anyCharacter, maxLength: 200 }), fc.json()), (text) => {
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

/** Nine aliases, each of eight of the one before: 8⁹ items in all. */
function bomb(): string {
  return "bcdefghij"
    .split("")
    .map((name, index) => `${name}: &${name} [${Array(8).fill(`*${"abcdefghi"[index]}`).join(",")}]\n`)
    .join("");
}

test("no level is called as a rescue calls its own access", () => {
  const named = configText
    .replace("levels: [viewer, admin]", "levels: [rescue, admin]")
    .replace("  viewer:", "  rescue:");

  expect(readConfig(named)).toMatchObject({
    type: "invalid",
    problems: [expect.stringMatching(/^levels\.rescue: use another name/)],
  });
});

const linkingOf = (text: string) => {
  const reading = readConfig(`${configText}${text}`);
  return reading.type === "config" ? reading.config.linking : reading.problems;
};

test("links need no confirmation unless the file says so", () => {
  expect(linkingOf("")).toEqual({ mustBeConfirmed: false, administrators: [] });
});

test("links are confirmed by the administrators that the file names", () => {
  expect(linkingOf("administrators: [U0ADMIN]\nlinking: { confirm: administrator }\n")).toEqual({
    mustBeConfirmed: true,
    administrators: ["U0ADMIN"],
  });
});

const identitiesOf = (text: string) => {
  const reading = readConfig(`${configText}${text}`);
  return reading.type === "config" ? reading.config.identities : reading.problems;
};
const center = `identityCenter:
      region: eu-central-1
      instanceArn: arn:aws:sso:::instance/ssoins-1234567890abcdef
      identityStoreId: d-1234567890
      roleArn: arn:aws:iam::999988887777:role/identity-reader`;

test("people are who their links say, unless the file names other ways, in their order", () => {
  const all = `identities:
  - ${center}
      keepFor: 5m
  - links
  - rule: { arn: "arn:aws:iam::{account}:role/dev", session: "{email}" }
`;

  expect(identitiesOf("")).toEqual({ sources: [{ type: "links" }], keepSeconds: 900 });
  expect(identitiesOf(all)).toEqual({
    sources: [
      {
        type: "identity-center",
        settings: {
          region: "eu-central-1",
          instanceArn: "arn:aws:sso:::instance/ssoins-1234567890abcdef",
          identityStoreId: "d-1234567890",
          roleArn: "arn:aws:iam::999988887777:role/identity-reader",
        },
      },
      { type: "links" },
      { type: "rule", arn: "arn:aws:iam::{account}:role/dev", session: "{email}" },
    ],
    keepSeconds: 300,
  });
});

test("an empty list of ways is a mistake", () => {
  expect(identitiesOf("identities: []\n")).toEqual(["identities: name at least one way, or remove identities."]);
});

/** How the file reads where `staging` has these settings. */
const withSignIn = (written: string, more = "") =>
  readConfig(configText.replace("    channel:", `    signIn: ${written}\n${more}    channel:`));
const signInProblems = (written: string, more?: string) => {
  const reading = withSignIn(written, more);
  return reading.type === "invalid" ? reading.problems : [];
};
const roleForm =
  "use a role's ARN with its path; * matches any text in the name, for example arn:aws:iam::111122223333:role/team-*";

test("the worker signs in as no role that is not listed", () => {
  const reading = readConfig(configText);

  expect(reading.type === "config" && reading.config.clusters.get("staging")?.signIn).toEqual({ roles: [] });
});

test("roles may be written with a path, and a star in their names", () => {
  const roles = ["arn:aws:iam::111122223333:role/team/eu/dev-*", "arn:aws:iam::999988887777:role/on-call"];
  const reading = withSignIn(
    `{ roles: ["${roles.join('", "')}"], externalId: "id-1" }`,
    '    foreignAccounts: ["999988887777"]\n',
  );

  expect(reading.type === "config" && reading.config.clusters.get("staging")?.signIn).toEqual({
    roles,
    externalId: "id-1",
  });
});

test.each([
  ["arn:aws:iam::111122223333:role/*/dev", "its path would not be known"],
  ["arn:aws:iam::*:role/dev", "any account could be meant"],
  ["arn:aws:iam::111122223333:user/dev", "a user can't be assumed"],
])("%s is refused: %s", (arn) => {
  expect(signInProblems(`{ roles: ["${arn}"] }`)).toEqual([`clusters.staging.signIn.roles[0]: ${roleForm}.`]);
});
