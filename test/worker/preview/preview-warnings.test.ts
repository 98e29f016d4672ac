import { expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { readPrincipal } from "../../../src/access/arn.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { finish } from "../../../src/aws-auth/go-yaml/budget.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import { readConfigMap } from "../../../src/kubernetes/config-map.ts";
import type { GroupBinding } from "../../../src/kubernetes/rbac.ts";
import {
  documentWarnings,
  lostRights,
  sessionWarnings,
  type WarningFacts,
  warningsOf,
} from "../../../src/worker/preview/preview-warnings.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aRequest, engineerArn } from "../../builders/a-request.ts";

const viewers = [{ kind: "ClusterRole", role: "view", namespace: null }];
const had = aLeasedRequest({ state: "ended" }, { id: "r-0" });

function warningsFor(request: AccessRequest, change: Partial<WarningFacts> = {}, cluster = aCluster()): string[] {
  const reading = readPrincipal(request.principal);
  if (reading.type === "invalid") throw new Error(reading.message);
  const { principal } = reading;
  const bindings = { groups: new Map([["eks-access:viewers", viewers]]), users: new Map() };
  return warningsOf(cluster, request, {
    principal,
    bindings,
    linked: request.principal,
    linksCount: true,
    earlier: [had],
    ...change,
  });
}

const foreignRole = "arn:aws:iam::999900001111:role/AWSReservedSSO_Developer_0123456789abcdef";

test("nothing is warned of where nothing is out of the ordinary", () => {
  expect(warningsFor(aRequest())).toEqual([]);
});

test.each<[string, string, Partial<AccessRequest>, Partial<WarningFacts>]>([
  ["full control", "Full control: by system:masters.", { groups: ["system:masters"] }, {}],
  [
    "full control for more than one person",
    "Full control: by system:masters, not for one person alone.",
    { groups: ["system:masters"], principal: "arn:aws:iam::111122223333:role/developers" },
    {},
  ],
  [
    "another account",
    "the principal is in 999900001111, staging in 111122223333.",
    { principal: "arn:aws:iam::999900001111:user/guest" },
    {},
  ],
  ["a group that gives nothing", "names ghosts.", { groups: ["ghosts"] }, {}],
  ["bindings that could not be read", "Rights unknown: couldn't read the cluster's RBAC", {}, { bindings: null }],
  [
    "another person's principal",
    `Not own identity: the requester is linked to ${engineerArn}-2.`,
    {},
    { linked: `${engineerArn}-2` },
  ],
  [
    "a requester whom no worker could look up",
    "No linked identity: the requester may not own the principal.",
    {},
    { linked: undefined },
  ],
  [
    "a principal without a link, where no link counts",
    "No linked identity: the requester may not own the principal.",
    {},
    { linked: null, linksCount: false },
  ],
  [
    "a principal without a link, and how the requester ends that",
    `No linked identity: the requester may not own the principal. They can use /eks-access link.`,
    {},
    { linked: null },
  ],
  ["a principal in another account", "They can use /eks-access link.", { principal: foreignRole }, { linked: null }],
  ["a first time", "First time: the requester had no such lease on staging", {}, { earlier: [] }],
])("an approver is warned of %s", (_, sentence, change, facts) => {
  expect(warningsFor(aRequest(change), facts).join("\n")).toContain(sentence);
});

test.each([
  [["policy AmazonEKSEditPolicy"], "AmazonEKSEditPolicy in every namespace"],
  [["policy AmazonEKSAdminPolicy in shop", "policy AmazonEKSAdminPolicy in kube-*"], "AmazonEKSAdminPolicy in kube-*"],
  [["policy AmazonEKSClusterAdminPolicy in kube-system"], "AmazonEKSClusterAdminPolicy in kube-system"],
  [["policy AmazonEKSSecretReaderPolicy"], "AmazonEKSSecretReaderPolicy in every namespace"],
  [["policy AmazonEKSEditPolicy in shop"], null],
  [["policy AmazonEKSViewPolicy"], null],
])("whether an approver is warned that access policies control the cluster: %j", (groups, who) => {
  const sentence = `Control of the cluster: ${who} reaches the service accounts of kube-system.`;

  expect(warningsFor(aRequest({ groups }))).toEqual(who === null ? [] : [sentence]);
});

test.each([
  [{ env: "production" }, "Production: staging has the label env: production."],
  [{ team: "shop", Stage: "PRD" }, "Production: staging has the label Stage: PRD."],
  [{ env: "staging" }, ""],
  [{ team: "production" }, ""],
])("whether an approver is warned of production, by the labels %j", (labels, warning) => {
  expect(warningsFor(aRequest(), {}, aCluster({ labels })).join("\n")).toBe(warning);
});

test.each([
  ["problems", { mapUsers: "{" }, {}, "Problems in aws-auth: 1."],
  [
    "annotations that others fill",
    {},
    { big: "x".repeat(242_000) },
    "Little room in aws-auth: for about 7 more leases: others' annotations take 242003 of 262144 bytes, big alone 242003.",
  ],
])("an approver is warned of a document with %s", (_, data, annotations, sentence) => {
  const configMap = readConfigMap({ data, metadata: { annotations, resourceVersion: "1", uid: "u" } }, "staging");

  expect(finish(documentWarnings({ document: parseDocument(data), configMap })).join()).toContain(sentence);
});

test.each([
  ["eks-access:111122223333:developers:{{SessionName}}", arns.developers, 1],
  ["dev:{{SessionNameRaw}}", arns.developers, 0],
  ["dev", arns.developers, 0],
  ["{{SessionName}}", engineerArn, 0],
])("whether two sessions can get one username: %s for %s", (username, arn, count) => {
  const warnings = sessionWarnings(username, arn);

  expect(warnings).toHaveLength(count);
  for (const warning of warnings)
    expect(warning).toContain("so two people can be eks-access:111122223333:developers:{{SessionName}}");
});

test("nothing is warned of a document where nothing is out of the ordinary", () => {
  expect(finish(documentWarnings({ document: parseDocument({}), configMap: null }))).toEqual([]);
});

test.each<[string, AccessRequest]>([
  ["asked about another cluster", aLeasedRequest({}, { id: "r-0", cluster: "staging" })],
  ["was another principal", aLeasedRequest({}, { id: "r-0", principal: `${engineerArn}-2` })],
  ["never became active", aLeasedRequest({ state: "failed", proof: null }, { id: "r-0" })],
  ["is the same request", aLeasedRequest({}, { id: "r-1" })],
])("it is a first time still where what there was before %s", (name, earlier) => {
  const other = name.startsWith("asked") ? { ...earlier, cluster: "production" } : earlier;

  expect(warningsFor(aRequest(), { earlier: [other] }).join()).toContain("First time");
});

const bob = { username: "arn:aws:iam::111122223333:user/bob", groups: [] };
const lease = { username: "eks-access:111122223333:bob", groups: ["eks-access:viewers"] };
const edit: GroupBinding = { kind: "ClusterRole", role: "edit", namespace: "shop" };
const users = (...names: string[]) => new Map(names.map((name) => [name, [edit]]));

test("losing the username that a role binding names is a warning, with what the binding gives", () => {
  expect(lostRights(bob, lease, users(bob.username))).toEqual([
    "Loses rights: the principal becomes eks-access:111122223333:bob, and ClusterRole edit in shop is bound to arn:aws:iam::111122223333:user/bob.",
  ]);
});

test("becoming another user while the bindings can't be read is a warning that rights may be lost", () => {
  expect(lostRights(bob, lease, null)).toEqual([
    "Loses rights: the principal becomes eks-access:111122223333:bob, and perhaps a role is bound to arn:aws:iam::111122223333:user/bob.",
  ]);
});

test("losing groups is a warning that names them", () => {
  const today = { username: "dev", groups: ["readers", "writers"] };

  expect(lostRights(today, { username: "dev", groups: ["writers", "eks-access:viewers"] }, users())).toEqual([
    "Loses rights: the groups readers.",
  ]);
});

test.each([
  ["was nobody", null, lease, users(bob.username)],
  ["keeps its username and groups", lease, { ...lease, groups: ["eks-access:viewers", "more"] }, users(lease.username)],
  ["loses a username that nothing is bound to", bob, lease, users("someone")],
])("finds nothing about a principal that %s", (_, today, afterwards, bound) => {
  expect(lostRights(today, afterwards, bound)).toEqual([]);
});

test("of many bindings the first are named, and how many more there are", () => {
  const many = Array.from(
    { length: 9 },
    (_, at): GroupBinding => ({ kind: "Role", role: `r${at}`, namespace: "shop" }),
  );

  expect(lostRights(bob, lease, new Map([[bob.username, many]])).join()).toContain(
    "Role r0 in shop, Role r1 in shop, Role r2 in shop and 6 more are bound to",
  );
});
