import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../sandbox/scene.ts";
import { AccessError } from "../../src/access/access-error.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { clusterIn } from "../builders/a-cluster.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { ask, modesConfig, openingWith } from "./reconcile/both-ways.ts";
import { entriesOf } from "./reconcile/entries-of.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const viewers = {
  name: "eks-access-viewers",
  role: { kind: "ClusterRole", name: "view" },
  subjects: [{ kind: "Group", name: "eks-access:viewers" }],
} as const;
const admins = {
  name: "eks-access-admins",
  role: { kind: "ClusterRole", name: "cluster-admin" },
  subjects: [{ kind: "Group", name: "eks-access:admins" }],
} as const;

let context: WorkerContext;

beforeEach(() => {
  context = { ...side().context(memoryLedger()), config: modesConfig() };
});

const previewOn = async (name: string) => {
  const asked = await ask(context, clusterIn(context.config, name), { id: "r-one" });
  return asked.preview ?? expect.fail(JSON.stringify(asked.refusal));
};
const warningsOn = async (name: string) => (await previewOn(name)).warnings;

const editOf = async (name: string, data: Readonly<Record<string, string>>) => {
  const cluster = side().sandbox.clusters.get(name) ?? expect.fail(`there is no ${name}`);
  await cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, ...data } }));
};

describe("a principal that mapAccounts lets in", () => {
  test("would lose what is bound to its ARN as a user, and the approver reads it first", async () => {
    await editOf(clusterName, { mapAccounts: '- "111122223333"\n' });
    const binding = { name: "engineer", namespace: "default", role: { kind: "ClusterRole", name: "edit" } } as const;
    const mine = { ...binding, subjects: [{ kind: "User", name: arns.engineer }] } as const;
    await side().sandbox.cluster.setRbac({ bindings: [viewers, admins, mine] });

    const [first] = await warningsOn(clusterName);

    expect(first).toBe(
      `Loses rights: the principal becomes eks-access:111122223333:engineer, and ClusterRole edit in default is bound to ${arns.engineer}.`,
    );
  });

  test("loses nothing where nothing is bound to it", async () => {
    await editOf(clusterName, { mapAccounts: '- "111122223333"\n' });

    expect((await warningsOn(clusterName)).join()).not.toContain("Loses rights");
  });
});

describe("the username of an access entry that is of no request", () => {
  const other = { principalArn: arns.developers, groups: [], tags: {} };
  const entries = (name = "analytics") => entriesOf(side().sandbox, clusterIn(context.config, name));

  test.each([
    ["access-entry", "analytics", "eks-access:111122223333:engineer"],
    ["access-entry", "analytics", "eks-access:{{AccountID}}:{{SessionName}}"],
    ["aws-auth", "checkout", "eks-access:111122223333:engineer"],
  ])("by %s on %s is compared with the new one: %s", async (way, name, username) => {
    const text = (written: string) => written.replaceAll("    channel:", `    way: ${way}\n    channel:`);
    context = { ...context, config: modesConfig(text) };
    await entries(name).create({ ...other, username });

    const preview = await previewOn(name);

    expect(preview.way).toBe(way);
    expect(preview.warnings.join()).toContain(
      `Same username: ${other.principalArn} can also be eks-access:111122223333:engineer`,
    );
  });

  test("is no warning where it is another one", async () => {
    await entries().create({ ...other, username: "platform" });

    expect((await warningsOn("analytics")).join()).not.toContain("can also be");
  });
});

test.each([
  ["aws-auth", clusterName],
  ["access-entry", "checkout"],
])("by %s the approver reads that another entry gives the new username", async (way, name) => {
  const other = "arn:aws:iam::111122223333:user/other";
  await editOf(name, { mapUsers: `- userarn: ${other}\n  username: eks-access:111122223333:engineer\n` });

  const preview = await previewOn(name);

  expect(preview.way).toBe(way);
  expect(preview.warnings.join()).toContain(`Same username: ${other} can also be eks-access:111122223333:engineer`);
});

test.each([
  ["edit", "kube-system", ["Control of the cluster: ClusterRole edit in kube-system reaches the service accounts"]],
  ["edit", undefined, ["Control of the cluster: ClusterRole edit reaches the service accounts of kube-system."]],
  ["edit", "default", []],
  ["view", "kube-system", []],
])("the approver reads whether a group with the role %s in %s controls the cluster", async (name, namespace, told) => {
  const binding = { name: "more", role: { kind: "ClusterRole", name }, ...(namespace && { namespace }) } as const;
  const more = { ...binding, subjects: viewers.subjects };
  await side().sandbox.cluster.setRbac({ bindings: [viewers, admins, more] });

  const warnings = await warningsOn(clusterName);

  // First, because a card has room for some.
  expect(warnings.slice(0, told.length)).toEqual(told.map((text) => expect.stringContaining(text)));
  expect(warnings.join().split("Control of the cluster: ")).toHaveLength(told.length + 1);
});

test("the approver reads that the rights are unknown where a role can't be read", async () => {
  const groupRights = () => Promise.reject(new AccessError("cluster-forbidden", "no right to read a role"));
  context = { ...context, openCluster: openingWith(() => ({ groupRights })) };

  const preview = await previewOn(clusterName);

  expect(preview.rights).toBeNull();
  expect(preview.warnings.filter((warning) => warning.startsWith("Rights unknown: "))).toEqual([
    "Rights unknown: couldn't read the cluster's RBAC.",
  ]);
});

test("of a difference with endless lines, the record has the start and the count of the rest", async () => {
  const long = `# ${"\u200b".repeat(100_000)}\n`;
  await editOf(clusterName, { mapUsers: `${long.repeat(3)}${initialAwsAuth.mapUsers ?? ""}` });

  const { diff } = await previewOn(clusterName);

  expect(diff.length).toBeLessThan(2_000);
  expect(diff).toMatch(/^--- a\/mapUsers\n.*\n… and \d+ more lines?$/s);
});

test("of roles with endless names and words, which people bind to a level's group, the record has the start", async () => {
  const rules = [
    { verbs: ["get"], apiGroups: [""], resources: ["secrets"] },
    { verbs: ["get"], apiGroups: [""], resources: ["x".repeat(500_000)] },
  ];
  const theirs = { name: `long${"y".repeat(8_000)}`, namespace: "default", rules };
  const role = { kind: "Role", name: theirs.name } as const;
  const binding = { name: "theirs", namespace: "default", role, subjects: viewers.subjects } as const;
  await side().sandbox.cluster.setRbac({ roles: [theirs], bindings: [viewers, admins, binding] });

  const preview = await previewOn(clusterName);

  expect(preview.warnings.join()).toMatch(
    /Dangerous rights: Role longy{1,300} in default lets a person read secrets\./,
  );
  expect(preview.rights?.map(({ role }) => role.slice(0, 16))).toEqual(["ClusterRole view", "Role longyyyyyyy"]);
  expect(JSON.stringify(preview).length).toBeLessThan(5_000);
});
