import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { group } from "../../../sandbox/cluster/default-roles.ts";
import { type ClusterBinding, leaseLabels, type NewBinding } from "../../../src/access/lease/own-bindings.ts";
import { type ClusterClient, connectCluster } from "../../../src/kubernetes/cluster-client.ts";
import { inParallel } from "../../../src/operations/parallel.ts";
import { aClusterWithPeople, type ClusterWithPeople } from "./clients.ts";
import { implementations } from "./implementations.ts";

// The product's own port (src/kubernetes/own-objects.ts), as each API server answers it.

const apiGroup = "rbac.authorization.k8s.io";
const name = "eks-access-r-7f3k";

function aBinding(change: Partial<NewBinding> = {}): NewBinding {
  return {
    ...{ name, namespace: "shop", labels: leaseLabels, annotations: { "eks-access/lease": "sealed" } },
    ...{ role: { kind: "ClusterRole", name: "view" }, user: "dev:alice@example.com", ...change },
  };
}

describe.each(implementations)("%s", (_name, start) => {
  let people: ClusterWithPeople;
  let client: ClusterClient;
  const others: ClusterClient[] = [];

  beforeAll(async () => {
    const manage = { verbs: ["create", "delete"], apiGroups: [apiGroup], resources: ["rolebindings"] };
    people = await aClusterWithPeople(
      {
        namespaces: ["shop", "payments"],
        rbac: {
          roles: [
            { name: "manager", rules: [manage] },
            { name: "empty", rules: [] },
            { name: "scraper", rules: [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }] },
            {
              ...{ name: "deployer", namespace: "shop" },
              rules: [{ verbs: ["get"], apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["web"] }],
            },
          ],
          bindings: [group("managers", "manager", "managers")],
        },
      },
      start,
    );
    client = await clientOf(people.creator);
  });
  beforeEach(async () => {
    for (const binding of await client.listLeaseBindings()) await client.deleteBinding(binding);
  });
  afterEach(() => {
    for (const each of others.splice(0)) each.close();
  });
  afterAll(async () => {
    client.close();
    await people.stop();
  });

  async function clientOf(arn: string): Promise<ClusterClient> {
    const { name, endpoint, certificateAuthority } = people.cluster;
    return connectCluster({ name, endpoint, certificateAuthority, token: await people.tokenOf(arn) });
  }

  /** A person who is in these groups and no one else. */
  async function clientIn(...groups: string[]): Promise<ClusterClient> {
    const entry = { userarn: people.dev, username: "dev", groups };
    await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapUsers: JSON.stringify([entry]) } }));
    const theirs = await clientOf(people.dev);
    others.push(theirs);
    return theirs;
  }

  async function create(binding: NewBinding): Promise<ClusterBinding> {
    const created = await client.createBinding(binding);
    expect(await client.findBinding(binding)).toEqual(created);
    return created;
  }

  const alicesPods = (namespace: string) =>
    client
      .may({ username: "dev:alice@example.com", groups: [] }, { verb: "list", resource: "pods", namespace })
      .then(({ allowed }) => allowed);

  describe("a binding", () => {
    it("finds one by its name, whatever its labels, and reports an absent one", async () => {
      await client.createBinding(aBinding());

      expect(await client.findBinding({ name, namespace: "shop" })).toMatchObject({ name, namespace: "shop" });
      expect(await client.findBinding({ name, namespace: "payments" })).toBeNull();
    });

    it("gives one user the role in its namespace until it is deleted", async () => {
      const created = await create(aBinding());
      await expect.poll(() => alicesPods("shop")).toBe(true);
      const elsewhere = await alicesPods("payments");
      const listed = await client.listLeaseBindings();
      const deleted = await client.deleteBinding(created);
      await expect.poll(() => alicesPods("shop")).toBe(false);

      expect(created).toEqual({
        ...{ name, namespace: "shop", uid: expect.stringMatching(/^[0-9a-f-]{36}$/), labels: leaseLabels },
        ...{ annotations: { "eks-access/lease": "sealed" }, role: { kind: "ClusterRole", name: "view" } },
        ...{ subjects: [{ kind: "User", name: "dev:alice@example.com" }], deletedAt: null },
      });
      expect(elsewhere).toBe(false);
      expect(listed).toEqual([created]);
      expect(deleted).toBe("deleted");
      expect(await client.listLeaseBindings()).toEqual([]);
    });

    it("of the whole cluster gives it everywhere", async () => {
      const created = await create(aBinding({ namespace: null }));
      await expect.poll(() => alicesPods("payments")).toBe(true);

      expect(await client.deleteBinding(created)).toBe("deleted");
      expect(created.namespace).toBeNull();
    });

    it("can have a name for which a path needs escapes, and a user of any characters", async () => {
      const odd = aBinding({ name: "eks-access:r ü?#1", user: 'dev:"ü" \\ {{SessionName}}' });

      const created = await create(odd);

      expect(created.name).toBe(odd.name);
      expect(created.subjects).toEqual([{ kind: "User", name: odd.user }]);
      expect(await client.deleteBinding(created)).toBe("deleted");
    });

    it("with other labels is not listed", async () => {
      const created = await create(aBinding({ labels: { "app.kubernetes.io/managed-by": "Helm" } }));

      expect(await client.listLeaseBindings()).toEqual([]);
      expect(await client.deleteBinding(created)).toBe("deleted");
    });

    it("says when it was deleted, while finalizers keep it, and that it is kept", async () => {
      const { uid } = await create(aBinding());
      const { rbac } = await people.as(people.creator);
      const kept = await rbac.readNamespacedRoleBinding({ name, namespace: "shop" });
      const metadata = { ...kept.metadata, finalizers: ["example.com/keep", "foregroundDeletion"] };
      await rbac.replaceNamespacedRoleBinding({ name, namespace: "shop", body: { ...kept, metadata } });

      const first = await client.deleteBinding({ name, namespace: "shop", uid });
      const again = await client.deleteBinding({ name, namespace: "shop", uid });
      const listed = await client.listLeaseBindings();
      const now = await rbac.readNamespacedRoleBinding({ name, namespace: "shop" });
      const without = { ...now, metadata: { ...now.metadata, finalizers: [] } };
      await rbac.replaceNamespacedRoleBinding({ name, namespace: "shop", body: without });

      expect([first, again]).toEqual(["kept", "kept"]);
      expect(now.metadata?.finalizers).toEqual(["example.com/keep"]);
      expect(listed.map(({ deletedAt }) => new Date(deletedAt ?? "").getFullYear())).toEqual([
        new Date().getFullYear(),
      ]);
      expect(await client.deleteBinding({ name, namespace: "shop", uid })).toBe("absent");
    });
  });

  describe("a deletion", () => {
    it("leaves a binding that got the name later", async () => {
      const before = await create(aBinding());
      await client.deleteBinding(before);
      const after = await create(aBinding({ user: "mallory" }));

      expect(await client.deleteBinding(before)).toBe("other");
      expect(await client.listLeaseBindings()).toEqual([after]);
    });

    it("of an absent object says so, also in an absent namespace", async () => {
      const uid = "0b7c1f0e-8a1e-4b55-9a37-1a2b3c4d5e6f";

      expect(await client.deleteBinding({ name, namespace: "shop", uid })).toBe("absent");
      expect(await client.deleteBinding({ name, namespace: "nowhere", uid })).toBe("absent");
      expect(await client.deleteBinding({ name, namespace: null, uid })).toBe("absent");
    });

    it("is forbidden without the right", async () => {
      const created = await create(aBinding());
      const theirs = await clientIn();

      const failure = theirs.deleteBinding(created);

      await expect(failure).rejects.toMatchObject({ code: "binding-forbidden", retryable: false });
      await expect(failure).rejects.toThrow('User "dev" cannot delete resource "rolebindings"');
    });
  });

  describe("a creation fails", () => {
    it("where the name is taken", async () => {
      await client.createBinding(aBinding());

      const failure = client.createBinding(aBinding({ user: "bob" }));

      await expect(failure).rejects.toMatchObject({ code: "binding-exists", retryable: true });
    });

    it("where there is no such namespace", async () => {
      const failure = client.createBinding(aBinding({ namespace: "nowhere" }));

      await expect(failure).rejects.toMatchObject({ code: "namespace-absent", retryable: false });
      await expect(failure).rejects.toThrow('namespaces "nowhere" not found');
    });

    it("if its rights are not ours to give, or no one has them", async () => {
      const theirs = await clientIn("managers");

      const more = theirs.createBinding(aBinding());
      await expect(more).rejects.toMatchObject({ code: "binding-forbidden", retryable: false });
      await expect(more).rejects.toThrow("is attempting to grant RBAC permissions not currently held");
      const ghost = theirs.createBinding(aBinding({ role: { kind: "Role", name: "ghost" } }));

      await expect(ghost).rejects.toMatchObject({ code: "role-absent", retryable: false });
    });

    it("where we may not create bindings at all", async () => {
      const theirs = await clientIn();

      await expect(theirs.createBinding(aBinding())).rejects.toMatchObject({ code: "binding-forbidden" });
      await expect(theirs.listLeaseBindings()).rejects.toMatchObject({ code: "cluster-forbidden" });
      await expect(theirs.namespaces()).rejects.toMatchObject({ code: "cluster-forbidden" });
    });

    it("where the API server takes no such binding", async () => {
      const label = client.createBinding(aBinding({ labels: { "not a label": "x" } }));
      await expect(label).rejects.toMatchObject({ code: "cluster-refused-write" });
      const role = client.createBinding(aBinding({ namespace: null, role: { kind: "Role", name: "deployer" } }));

      await expect(role).rejects.toThrow('roleRef.kind: Unsupported value: "Role"');
    });
  });

  it("lists more bindings than one page has, and each once", async () => {
    const names = Array.from({ length: 103 }, (_, index) => `eks-access-r-${String(index).padStart(3, "0")}`);
    await inParallel(names, (each) => client.createBinding(aBinding({ name: each })));

    const listed = await client.listLeaseBindings();

    expect(listed.map((binding) => binding.name)).toEqual(names);
  });

  it("reads the rules of roles, and reports an absent role", async () => {
    const none = { apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };

    expect(await client.roleRules({ kind: "Role", name: "deployer" }, "shop")).toEqual([
      { ...none, verbs: ["get"], apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["web"] },
    ]);
    expect(await client.roleRules({ kind: "ClusterRole", name: "scraper" }, null)).toEqual([
      { ...none, verbs: ["get"], nonResourceURLs: ["/metrics"] },
    ]);
    expect(await client.roleRules({ kind: "ClusterRole", name: "empty" }, "shop")).toEqual([]);
    expect(await client.roleRules({ kind: "Role", name: "deployer" }, "payments")).toBeNull();
    expect(await client.roleRules({ kind: "ClusterRole", name: "ghost" }, "shop")).toBeNull();
  });

  it("lists the namespaces", async () => {
    const found = await client.namespaces();
    const namespaces = found.map(({ name }) => name);

    expect(found).toContainEqual({ name: "shop", isEnding: false });
    expect(namespaces).toEqual(expect.arrayContaining(["default", "kube-system", "payments", "shop"]));
    expect(namespaces).toEqual(namespaces.toSorted());
  });
});
