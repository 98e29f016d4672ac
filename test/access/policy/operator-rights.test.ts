import { expect, test } from "vitest";
import {
  actInWords,
  forbiddenActs,
  neededActs,
  type OperatorNeeds,
  operatorObjects,
  operatorRules,
} from "../../../src/access/policy/operator-rights.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";

const groups = ["ClusterRole view", "ClusterRole edit in ?", "Role deployer in shop", "ClusterRole view in shop"];
const binding = aCluster({ levels: [aLevel({ groups })] });
const neededBy = (needs: OperatorNeeds) => neededActs(operatorRules(needs)).map(actInWords);
const forbiddenTo = (needs: OperatorNeeds) => forbiddenActs(operatorRules(needs)).map(actInWords);

test("the operator may bind the roles that levels name, each once, and no others", () => {
  const binds = neededBy({ readsAwsAuth: true, cluster: binding }).filter((act) => act.startsWith("bind"));
  const rbac = "rbac.authorization.k8s.io";

  expect(binds).toEqual([
    `bind clusterroles.${rbac} edit`,
    `bind clusterroles.${rbac} view`,
    `bind roles.${rbac} deployer`,
  ]);
  expect(forbiddenTo({ readsAwsAuth: true, cluster: binding })).toEqual(
    expect.arrayContaining([`bind clusterroles.${rbac}`, `bind clusterroles.${rbac} cluster-admin`]),
  );
});

test("without a level that binds roles it creates no bindings, but ends those that are left", () => {
  const needs = { readsAwsAuth: true, cluster: aCluster() };
  const bindings = "rolebindings.rbac.authorization.k8s.io";

  expect(neededBy(needs)).toContain(`delete ${bindings}`);
  expect(neededBy(needs)).not.toContain(`create ${bindings}`);
  expect(forbiddenTo(needs)).toContain(`create ${bindings}`);
});

test("a cluster that does not read aws-auth gives no right to it", () => {
  const needs = { readsAwsAuth: false, cluster: aCluster({ createAwsAuth: true }) };

  expect(neededBy(needs).filter((act) => act.includes("aws-auth"))).toEqual([]);
  expect(forbiddenTo(needs)).toContain("update configmaps aws-auth in kube-system");
  expect(forbiddenTo(needs)).toContain("create configmaps in kube-system");
});

test("only createAwsAuth lets it create ConfigMaps, because Kubernetes can't limit that to a name", () => {
  const create = "create configmaps in kube-system";

  expect(neededBy({ readsAwsAuth: true, cluster: aCluster({ createAwsAuth: true }) })).toContain(create);
  expect(neededBy({ readsAwsAuth: true, cluster: aCluster() })).not.toContain(create);
});

test.each([true, false])("no right is needed and forbidden at once (reads aws-auth: %s)", (readsAwsAuth) => {
  const admin = aLevel({ groups: ["ClusterRole cluster-admin"] });
  const clusters = [aCluster(), binding, aCluster({ createAwsAuth: true, levels: [admin] })];

  for (const cluster of clusters) {
    const forbidden = new Set(forbiddenTo({ readsAwsAuth, cluster }));
    expect(neededBy({ readsAwsAuth, cluster }).filter((act) => forbidden.has(act))).toEqual([]);
  }
});

test("rights in kube-system are a Role's there, so that they are no rights elsewhere", () => {
  const objects = operatorObjects(operatorRules({ readsAwsAuth: true, cluster: binding }));
  const rulesOf = (kind: string) => JSON.stringify(objects.find((each) => each.kind === kind)?.content.rules);

  expect(rulesOf("ClusterRole")).not.toContain("configmaps");
  expect(rulesOf("Role")).toContain('"resourceNames":["aws-auth","eks-access-last-good","eks-access-withdrawals"]');
  expect(objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "ClusterRole eks-access:operator",
    "Role eks-access:operator",
    "ClusterRoleBinding eks-access:operator",
    "RoleBinding eks-access:operator",
    "ConfigMap eks-access-last-good",
    "ConfigMap eks-access-withdrawals",
  ]);
});
