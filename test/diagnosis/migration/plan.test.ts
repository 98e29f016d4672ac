import { expect, it } from "vitest";
import type { MigrationFacts } from "../../../src/diagnosis/migration/facts.ts";
import { planMigration } from "../../../src/diagnosis/migration/plan.ts";
import { account, outcomeOfRole, planned, presentEntry, role, section, someFacts, user } from "./facts.ts";

const dev = { arn: role("dev"), username: "dev:{{SessionName}}", groups: ["viewers"] };
const admin = { arn: role("admin"), username: "admin", groups: ["system:masters", "viewers"] };

it("moves an item as it is: the mode first, then its access entry, then out of aws-auth", () => {
  const { steps, before, keptBecause } = planned(someFacts({ mapRoles: section("role", [dev]), other: "kept" }));

  expect(steps).toEqual([
    { type: "switch-mode" },
    {
      type: "give-entry",
      wanted: { principalArn: dev.arn, username: dev.username, groups: ["viewers"], isAdmin: false },
    },
    {
      type: "remove-from-aws-auth",
      arns: [dev.arn],
      after: { mapRoles: "[]", other: "kept" },
    },
  ]);
  expect({ before, keptBecause }).toEqual({ before: [], keptBecause: null });
});

it("switches no mode that knows access entries already", () => {
  const { steps } = planned(someFacts({ mapRoles: section("role", [dev]) }, { mode: "API_AND_CONFIG_MAP" }));

  expect(steps.map(({ type }) => type)).toEqual(["give-entry", "remove-from-aws-auth"]);
});

it("switches no mode for nothing", () => {
  expect(planned(someFacts({ mapAccounts: `["${account}"]` })).steps).toEqual([]);
});

it("has nothing to migrate where the cluster does not read aws-auth", () => {
  expect(planMigration(someFacts({ mapRoles: section("role", [dev]) }, { mode: "API" }))).toMatchObject({
    type: "refused",
    code: "nothing-to-migrate",
  });
});

it("refuses a document of more entries than a plan can have", () => {
  const roles = Array.from({ length: 5_001 }, (_, index) => ({
    ...dev,
    arn: `arn:aws:iam::${account}:role/dev-${index}`,
  }));

  expect(planMigration(someFacts({ mapRoles: section("role", roles) }))).toMatchObject({
    type: "refused",
    code: "too-many-entries",
    message: expect.stringContaining("has 5001 entries; a migration takes 5000 at most."),
  });
});

it("refuses a partly unreadable document, because it could leave people out", () => {
  const facts = someFacts({ mapRoles: section("role", [dev]), mapUsers: "- userarn: [" });

  expect(planMigration(facts)).toMatchObject({
    type: "refused",
    code: "section-unreadable",
    message: expect.stringContaining("mapUsers, line"),
  });
});

it("names the policy that replaces system:masters, and keeps the groups that EKS takes", () => {
  expect(outcomeOfRole({ ...admin, groups: [...admin.groups, "system:nodes", "system:authenticated"] })).toMatchObject({
    type: "moves",
    wanted: { username: "admin", groups: ["viewers"], isAdmin: true },
    instead: [expect.stringContaining("AmazonEKSClusterAdminPolicy"), expect.stringContaining("replaces system:nodes")],
  });
});

it("removes administrators from aws-auth although none is left there", () => {
  const { steps } = planned(someFacts({ mapRoles: section("role", [admin]) }));

  expect(steps.at(-1)).toMatchObject({ type: "remove-from-aws-auth", arns: [admin.arn] });
});

it("needs no word on a group that everybody is in who signs in", () => {
  expect(outcomeOfRole({ ...dev, groups: ["viewers", "system:authenticated", "viewers", ""] })).toMatchObject({
    type: "moves",
    wanted: { groups: ["viewers"] },
    instead: [],
  });
});

it.each([
  ["system:viewers", "group-reserved"],
  ["eks:viewers", "group-reserved"],
  ["team-{{SessionName}}", "template-in-group"],
])("leaves an item in the group %s where it is", (group, code) => {
  expect(outcomeOfRole({ ...dev, groups: [group] })).toMatchObject({ type: "stays", code });
});

it.each([
  ["", "username-empty"],
  ["system:dev", "username-reserved"],
  ["aws:dev", "username-reserved"],
  ["dev:{{AccessKeyID}}", "template"],
  ["{{EC2PrivateDNSName}}", "template"],
  ["dev:{{Nickname}}", "template"],
  ["dev-{{SessionName}}", "template-session"],
  ["{{SessionNameRaw}}", "template-session"],
])("leaves an item with the username %j where it is", (username, code) => {
  expect(outcomeOfRole({ ...dev, username })).toMatchObject({
    type: "stays",
    code,
    remedy: expect.stringMatching(/\.$/),
  });
});

it("writes out what is the same for each session: the account, and that a user has no session", () => {
  const alice = {
    arn: user("people/alice"),
    username: "{{AccountID}}:alice{{SessionName}}",
    groups: ["of-{{AccountID}}"],
  };

  expect(planned(someFacts({ mapUsers: section("user", [alice]) })).outcomes[0]?.outcome).toMatchObject({
    type: "moves",
    wanted: { principalArn: alice.arn, username: `${account}:alice`, groups: [`of-${account}`] },
  });
});

it("takes a given ARN with its path, and says what happens without one", () => {
  const told = `arn:aws:iam::${account}:role/teams/core/dev`;

  expect(outcomeOfRole(dev, { givenArns: [told] })).toMatchObject({ wanted: { principalArn: told }, notes: [] });
  expect(outcomeOfRole(dev)).toMatchObject({
    wanted: { principalArn: dev.arn },
    notes: [expect.stringContaining("--arn")],
  });
});

it("asks for the path of a role of IAM Identity Center, which always has one", () => {
  const sso = { ...dev, arn: role("AWSReservedSSO_Admin_0123456789abcdef") };
  const told = `arn:aws:iam::${account}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef`;

  expect(outcomeOfRole(sso)).toMatchObject({ type: "stays", code: "path-unknown" });
  expect(outcomeOfRole(sso, { givenArns: [told] })).toMatchObject({ type: "moves", wanted: { principalArn: told } });
});

it.each([
  [`arn:aws:iam::${account}:root`, "arn-root"],
  [`arn:aws:sts::${account}:federated-user/dave`, "arn-service"],
  [role("AWSServiceRoleForAmazonEKS"), "service-linked-role"],
  [`arn:aws-cn:iam::${account}:role/dev`, "foreign-partition"],
])("leaves %s, for which there is no access entry", (arn, code) => {
  expect(outcomeOfRole({ ...dev, arn })).toMatchObject({ type: "stays", code });
});

it("leaves whole accounts, and says so before the mode can be API", () => {
  const { outcomes, before } = planned(someFacts({ mapAccounts: `["${account}", "twelve"]` }));

  expect(outcomes.map(({ outcome }) => outcome)).toMatchObject([
    { type: "stays", code: "whole-account" },
    { type: "unmatched" },
  ]);
  expect(before).toEqual([account]);
});

it("gives no access entry to a principal that can't sign in today", () => {
  const { outcomes, steps } = planned(
    someFacts({
      mapRoles: section("role", [
        { ...dev, arn: `arn:aws:iam::${account}:role/teams/dev` },
        { ...admin, username: "old" },
        { ...dev, arn: admin.arn },
      ]),
    }),
  );

  expect(outcomes.map(({ outcome }) => outcome)).toMatchObject([
    { type: "unmatched", why: expect.stringContaining("without its path") },
    { type: "unmatched", why: expect.stringContaining("replaces it") },
    { type: "moves", wanted: { username: dev.username, isAdmin: false } },
  ]);
  expect(steps.filter(({ type }) => type === "give-entry")).toHaveLength(1);
});

it("leaves users where chance decides which counts", () => {
  const mapUsers = section("user", [
    { arn: user("dave"), username: "a" },
    { arn: user("Dave"), username: "b" },
  ]);

  expect(planned(someFacts({ mapUsers })).outcomes.map(({ outcome }) => outcome)).toMatchObject([
    { type: "stays", code: "entry-ambiguous" },
    { type: "stays", code: "entry-ambiguous" },
  ]);
});

const node = { username: "system:node:{{EC2PrivateDNSName}}", groups: ["system:bootstrappers", "system:nodes"] };
it.each([
  ["EC2_LINUX", node],
  ["EC2_WINDOWS", { ...node, groups: [...node.groups, "eks:kube-proxy-windows"] }],
  ["FARGATE_LINUX", { username: "system:node:{{SessionName}}", groups: [...node.groups, "system:node-proxier"] }],
  ["HYBRID_LINUX", { ...node, username: "system:node:{{SessionName}}" }],
])("leaves nodes of the kind %s to EKS, and never takes them out of aws-auth", (nodeType, names) => {
  const { outcomes, steps, before } = planned(
    someFacts({ mapRoles: section("role", [{ arn: role("nodes"), ...names }, dev]) }),
  );

  expect(outcomes[0]?.outcome).toMatchObject({ type: "nodes", nodeType, isThere: false });
  expect(steps.at(-1)).toMatchObject({ arns: [dev.arn], after: { mapRoles: expect.stringContaining("role/nodes") } });
  expect(before).toEqual([role("nodes")]);
});

it("says by EKS's own answer which nodes use a role, and of which type", () => {
  const owned = (name: string, type: "EC2_LINUX" | "EC2_WINDOWS") => ({ roleArn: role("eks/nodes"), name, type });
  const of = (managedNodes: MigrationFacts["managedNodes"]) =>
    outcomeOfRole({ arn: role("nodes"), ...node }, { managedNodes });
  const [linux, windows] = [
    owned("the managed node group a", "EC2_LINUX"),
    owned("the managed node group w", "EC2_WINDOWS"),
  ];

  expect(of([linux, { ...linux, name: "the managed node group b" }])).toMatchObject({
    note: expect.stringMatching(
      /^It is the role of the managed node group a and the managed node group b\. EKS makes .+ --region eu-central-1 --cluster-name staging .+ --principal-arn \S+:role\/eks\/nodes`\./,
    ),
  });
  expect(of([windows])).toMatchObject({ nodeType: "EC2_WINDOWS" });
  expect(of([{ ...linux, roleArn: role("others") }])).toMatchObject({
    note: expect.stringContaining("For self-managed nodes: "),
  });
  expect(of(null)).toMatchObject({ note: expect.stringContaining("The worker can't ask") });
});

it("offers no command with an ARN of nodes that a shell would obey: people who edit aws-auth write it", () => {
  const arn = `arn:aws:iam::${account}:user/$(id)/nodes`;
  const [found] = planned(someFacts({ mapUsers: section("user", [{ arn, ...node }]) })).outcomes;

  expect(found?.outcome).toMatchObject({ type: "nodes", note: expect.not.stringContaining("$(id)") });
});

it("says which groups of nodes an entry of EKS's own would not give", () => {
  const outcome = outcomeOfRole({ arn: role("nodes"), ...node, groups: [...node.groups, "system:masters"] });

  expect(outcome).toMatchObject({ type: "nodes", note: expect.stringContaining("lacks the groups system:masters") });
});

it("knows nodes that have their access entry", () => {
  const presentEntries = [presentEntry({ principalArn: role("eks/nodes"), type: "EC2_LINUX" })];

  expect(outcomeOfRole({ arn: role("nodes"), ...node }, { mode: "API_AND_CONFIG_MAP", presentEntries })).toMatchObject({
    type: "nodes",
    isThere: true,
  });
});

it("leaves the creator to EKS", () => {
  expect(outcomeOfRole({ ...admin, arn: role("cluster-creator") })).toMatchObject({ type: "creator" });
});

it("keeps a lease of ours where it began, until its end", () => {
  const share = {
    id: "r-1",
    groups: ["viewers"],
    endsAt: "2026-11-24T12:00:00Z",
    level: "view",
    requester: "U1",
    emergency: false,
    approvers: [],
  };
  const holdings = new Map([[dev.arn, { arn: dev.arn, entryAdded: true, added: ["viewers"], shares: [share] }]]);

  expect(outcomeOfRole(dev, { holdings })).toMatchObject({
    type: "waits",
    until: share.endsAt,
    note: expect.stringContaining("r-1"),
  });
});

it("keeps a principal in aws-auth if its access entry ends with a lease of ours", () => {
  const presentEntries = [presentEntry({ principalArn: role("teams/dev"), isLeased: true })];
  const { outcomes, steps } = planned(
    someFacts({ mapRoles: section("role", [dev]) }, { mode: "API_AND_CONFIG_MAP", presentEntries }),
  );

  expect(outcomes[0]?.outcome).toMatchObject({ type: "waits" });
  expect(steps).toEqual([]);
});

it("leaves others' access entries alone, and removes their principals from aws-auth", () => {
  const presentEntries = [presentEntry({ principalArn: role("teams/dev"), groups: ["editors"] })];
  const { outcomes, steps } = planned(
    someFacts({ mapRoles: section("role", [dev]) }, { mode: "API_AND_CONFIG_MAP", presentEntries }),
  );

  expect(outcomes[0]?.outcome).toMatchObject({ type: "has-entry", note: expect.stringContaining("editors") });
  expect(steps).toMatchObject([{ type: "remove-from-aws-auth", arns: [dev.arn] }]);
});

it.each([
  ["an IAM user", "arn:aws:iam::111122223333:user/dev"],
  ["a role of another account", "arn:aws:iam::444455556666:role/dev"],
])(
  "keeps %s in aws-auth beside others' access entry: no one can tell whether it is of an earlier one of its name",
  (_, arn) => {
    const kind = arn.includes(":user/") ? "user" : "role";
    const sections = { [kind === "user" ? "mapUsers" : "mapRoles"]: section(kind, [{ ...dev, arn }]) };
    const presentEntries = [presentEntry({ principalArn: arn, groups: ["editors"] })];
    const { outcomes, steps } = planned(someFacts(sections, { mode: "API_AND_CONFIG_MAP", presentEntries }));

    expect(outcomes[0]?.outcome).toMatchObject({ type: "stays", code: "entry-unproved" });
    expect(steps).toEqual([]);
  },
);

it("says where IAM did not tell when it made a role with others' access entry", () => {
  const presentEntries = [presentEntry({ principalArn: dev.arn })];
  const noteWith = (madeAt: ReadonlyMap<string, string>) =>
    outcomeOfRole(dev, {
      ...{ mode: "API_AND_CONFIG_MAP", presentEntries },
      roles: { madeAt, absent: new Set(), why: null },
    });
  const doubt = expect.stringContaining("Not tested: whether");

  expect(noteWith(new Map())).toMatchObject({ type: "has-entry", note: doubt });
  expect(noteWith(new Map([[dev.arn, "2020-01-01T00:00:00.000Z"]]))).not.toMatchObject({ note: doubt });
});

it("continues where an earlier run died, with the same digest all the way", () => {
  const mapRoles = section("role", [admin, dev]);
  const [first, last] = [
    presentEntry({ principalArn: role("ops/admin"), username: "admin", groups: ["viewers"], migrated: "begun" }),
    presentEntry({ principalArn: dev.arn, username: dev.username, groups: ["viewers"], migrated: "whole" }),
  ];
  const givenArns = [first.principalArn];

  const start = planned(someFacts({ mapRoles }, { givenArns }));
  const middle = planned(
    someFacts({ mapRoles }, { givenArns, mode: "API_AND_CONFIG_MAP", presentEntries: [first, last] }),
  );

  expect(middle.steps).toMatchObject([
    { type: "give-entry", wanted: { principalArn: first.principalArn, isAdmin: true } },
    { type: "remove-from-aws-auth", arns: [admin.arn, dev.arn] },
  ]);
  expect(middle.digest).toBe(start.digest);
});

it("does not overrule a later change of a complete entry", () => {
  const presentEntries = [
    presentEntry({ principalArn: dev.arn, username: dev.username, groups: [], migrated: "whole" }),
  ];

  expect(outcomeOfRole(dev, { mode: "API_AND_CONFIG_MAP", presentEntries })).toMatchObject({ type: "has-entry" });
});

it("has another digest for other entries and for another cluster", () => {
  const digest = (item: object, clusterArn = "arn:aws:eks:eu-central-1:111122223333:cluster/staging") =>
    planned(someFacts({ mapRoles: section("role", [{ ...dev, ...item }]) }, { clusterArn })).digest;

  const digests = [digest({}), digest({ groups: ["editors"] }), digest({ username: "x" }), digest({}, "arn:other")];
  expect(new Set(digests).size).toBe(4);
});

it("says why aws-auth is kept where it can't be edited", () => {
  const mapRoles = `- &a {rolearn: "${dev.arn}", username: dev, groups: &g [viewers]}\n- {rolearn: "${admin.arn}", username: "system:x", groups: *g}\n`;
  const plan = planned(someFacts({ mapRoles }));

  expect(plan.keptBecause).toContain("anchor");
  expect(plan.steps.map(({ type }) => type)).toEqual(["switch-mode", "give-entry"]);
});

it("plans for a map of thousands of roles, and checks each step", () => {
  const roles = Array.from({ length: 3_000 }, (_, index) => ({ ...dev, arn: `${dev.arn}-${index}` }));

  const plan = planned(someFacts({ mapRoles: section("role", roles) }));

  expect(plan.steps).toHaveLength(roles.length + 2);
});
