import type { V1ClusterRole } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { group } from "../../../sandbox/cluster/default-roles.ts";
import { aClusterWithPeople, type Clients, type ClusterWithPeople, statusOf } from "./clients.ts";
import { implementations } from "./implementations.ts";

// Copies: Kubernetes docs, "Using RBAC Authorization" (restrictions on role creation or update); kubernetes, registry/rbac (403 of an
// escalation) and pkg/apis/rbac/validation (422).

const apiGroup = "rbac.authorization.k8s.io";
const secrets = [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }];
const pods = [{ verbs: ["list"], apiGroups: [""], resources: ["pods"] }];

const aClusterRole = (name: string, rules = pods): V1ClusterRole => ({ metadata: { name }, rules });

describe.each(implementations)("%s", (_name, start) => {
  let people: ClusterWithPeople;
  let creator: Clients["rbac"];
  let manager: Clients["rbac"];

  beforeAll(async () => {
    const resources = ["clusterroles", "roles"];
    const manage = { verbs: ["get", "create", "update"], apiGroups: [apiGroup], resources };
    const rbac = {
      roles: [{ name: "manager", rules: [manage, ...pods] }],
      bindings: [group("managers", "manager", "managers")],
    };
    people = await aClusterWithPeople({ rbac }, start);
    const data = { mapUsers: JSON.stringify([{ userarn: people.dev, username: "dev", groups: ["managers"] }]) };
    await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data }));
    creator = (await people.as(people.creator)).rbac;
    manager = (await people.as(people.dev)).rbac;
  });
  afterAll(() => people.stop());

  it("keeps roles that an administrator writes, and gives them to those who are bound", async () => {
    await creator.createClusterRole({ body: aClusterRole("reader") });
    const found = await creator.readClusterRole({ name: "reader" });

    await creator.replaceClusterRole({ name: "reader", body: { ...found, rules: secrets } });

    expect(await creator.readClusterRole({ name: "reader" })).toMatchObject({ rules: secrets });
    expect(await statusOf(creator.createClusterRole({ body: aClusterRole("reader") }))).toMatchObject({ code: 409 });
  });

  it("lets no one write into a role what they do not have themselves", async () => {
    await manager.createClusterRole({ body: aClusterRole("own") });
    const own = await manager.readClusterRole({ name: "own" });

    const created = await statusOf(manager.createClusterRole({ body: aClusterRole("more", secrets) }));
    const grown = await statusOf(manager.replaceClusterRole({ name: "own", body: { ...own, rules: secrets } }));

    for (const refused of [created, grown]) {
      expect(refused).toMatchObject({ code: 403, reason: "Forbidden" });
      expect(refused.message).toContain(
        'is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
      );
    }
  });

  it("refuses a rule that says nothing", async () => {
    const body = { metadata: { name: "empty" }, rules: [{ verbs: [], apiGroups: [""], resources: ["pods"] }] };

    expect(await statusOf(creator.createClusterRole({ body }))).toMatchObject({ code: 422, reason: "Invalid" });
  });
});
