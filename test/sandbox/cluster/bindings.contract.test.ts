import type { V1RoleBinding } from "@kubernetes/client-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { group } from "../../../sandbox/cluster/default-roles.ts";
import { failure } from "../../../sandbox/cluster/status.ts";
import { aClusterWithPeople, type Clients, type ClusterWithPeople, statusOf } from "./clients.ts";
import { implementations } from "./implementations.ts";

// Copies: Kubernetes docs, "Using RBAC Authorization" (bindings, privilege escalation prevention); kubernetes, pkg/apis/rbac/validation
// (422), registry/rbac (403 of an escalation) and apiserver registry/generic (409, preconditions, finalizers).

const apiGroup = "rbac.authorization.k8s.io";
const namespace = "shop";

function aRoleBinding(name: string, change: Partial<V1RoleBinding> = {}): V1RoleBinding {
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: "RoleBinding",
    metadata: { name },
    roleRef: { apiGroup, kind: "ClusterRole", name: "view" },
    subjects: [{ kind: "User", name: "alice" }],
    ...change,
  };
}

const labelled = (name: string, labels: Record<string, string>) =>
  aRoleBinding(name, { metadata: { name, labels: { listed: "yes", ...labels } } });

describe.each(implementations)("%s", (_name, start) => {
  let people: ClusterWithPeople;
  let rbac: Clients["rbac"];

  beforeAll(async () => {
    const manage = { verbs: ["get", "list", "create", "update", "delete"], apiGroups: [apiGroup] };
    const bindView = { verbs: ["bind"], apiGroups: [apiGroup], resources: ["clusterroles"], resourceNames: ["view"] };
    people = await aClusterWithPeople(
      {
        namespaces: ["shop", "payments"],
        rbac: {
          roles: [
            { name: "manager", rules: [{ ...manage, resources: ["rolebindings", "clusterrolebindings"] }] },
            { name: "bind-view", rules: [bindView] },
            { name: "secrets", rules: [{ verbs: ["get", "list"], apiGroups: [""], resources: ["secrets"] }] },
          ],
          bindings: [
            group("managers", "manager", "managers"),
            group("binders", "bind-view", "binders", namespace),
            group("viewers", "view", "viewers", namespace),
          ],
        },
      },
      start,
    );
    rbac = (await people.as(people.creator)).rbac;
  });
  beforeEach(async () => {
    const { items } = await rbac.listNamespacedRoleBinding({ namespace });
    for (const { metadata } of items) {
      if (metadata?.name?.startsWith("a-")) await rbac.deleteNamespacedRoleBinding({ name: metadata.name, namespace });
    }
  });
  afterAll(() => people.stop());

  const create = (body: V1RoleBinding, more: object = {}) =>
    rbac.createNamespacedRoleBinding({ namespace, body, ...more });
  const read = (name: string) => rbac.readNamespacedRoleBinding({ name, namespace });
  const replace = (body: V1RoleBinding, more: object = {}) =>
    rbac.replaceNamespacedRoleBinding({ name: body.metadata?.name ?? "", namespace, body, ...more });
  const remove = (name: string, body: object = {}) => rbac.deleteNamespacedRoleBinding({ name, namespace, body });

  /** The rights of a person who manages bindings, and is in these groups too. */
  async function managerIn(...groups: string[]): Promise<Clients["rbac"]> {
    const entry = { userarn: people.dev, username: "dev", groups: ["managers", ...groups] };
    await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapUsers: JSON.stringify([entry]) } }));
    return (await people.as(people.dev)).rbac;
  }

  async function review(user: string, where: string | undefined) {
    const { authorization } = await people.as(people.creator);
    const resourceAttributes = { verb: "list", resource: "pods", ...(where !== undefined && { namespace: where }) };
    return (await authorization.createSubjectAccessReview({ body: { spec: { user, resourceAttributes } } })).status;
  }

  describe("creating", () => {
    it("fills in what the server knows, and keeps the binding", async () => {
      const created = await create(aRoleBinding("a-new", { metadata: { name: "a-new", annotations: { note: "x" } } }));

      expect(created).toMatchObject({
        apiVersion: `${apiGroup}/v1`,
        kind: "RoleBinding",
        metadata: { name: "a-new", namespace, annotations: { note: "x" } },
        roleRef: { apiGroup, kind: "ClusterRole", name: "view" },
        subjects: [{ apiGroup, kind: "User", name: "alice" }],
      });
      expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(created.metadata?.resourceVersion).toMatch(/^\d+$/);
      expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
      expect(await read("a-new")).toEqual(created);
    });

    it("takes effect without anything else, in this namespace alone, until the binding is deleted", async () => {
      expect(await review("alice", namespace)).toEqual({ allowed: false });

      await create(aRoleBinding("a-right"));
      const reason = 'RBAC: allowed by RoleBinding "a-right/shop" of ClusterRole "view" to User "alice"';
      await expect.poll(() => review("alice", namespace)).toEqual({ allowed: true, reason });
      expect(await review("alice", "payments")).toEqual({ allowed: false });
      expect(await review("alice", undefined)).toEqual({ allowed: false });

      await remove("a-right");
      await expect.poll(() => review("alice", namespace)).toEqual({ allowed: false });
    });

    it("gives a role in all namespaces by a ClusterRoleBinding", async () => {
      const name = "a-cluster-wide";
      const body = { ...aRoleBinding(name), kind: "ClusterRoleBinding", subjects: [{ kind: "User", name: "bob" }] };

      const created = await rbac.createClusterRoleBinding({ body });
      await expect.poll(() => review("bob", undefined)).toMatchObject({ allowed: true });
      await rbac.deleteClusterRoleBinding({ name });

      expect(created.metadata?.namespace).toBeUndefined();
      await expect.poll(() => review("bob", undefined)).toEqual({ allowed: false });
    });

    it("only checks in a dry run", async () => {
      const created = await create(aRoleBinding("a-dry"), { dryRun: "All" });

      expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(await statusOf(read("a-dry"))).toMatchObject({ code: 404 });
    });

    it("is refused where the name is taken, also in a dry run", async () => {
      await create(aRoleBinding("a-taken"));

      const again = await statusOf(create(aRoleBinding("a-taken")));
      const dry = await statusOf(create(aRoleBinding("a-taken"), { dryRun: "All" }));

      const message = `rolebindings.${apiGroup} "a-taken" already exists`;
      expect(again).toEqual(
        failure(409, "AlreadyExists", message, { name: "a-taken", group: apiGroup, kind: "rolebindings" }),
      );
      expect(dry).toEqual(again);
    });

    it("is refused in an absent namespace", async () => {
      const status = await statusOf(
        rbac.createNamespacedRoleBinding({ namespace: "nowhere", body: aRoleBinding("a-lost") }),
      );

      const details = { name: "nowhere", kind: "namespaces" };
      expect(status).toEqual(failure(404, "NotFound", 'namespaces "nowhere" not found', details));
    });

    it.each<[string, Partial<V1RoleBinding>, string, string]>([
      [
        "a role of another kind",
        { roleRef: { apiGroup, kind: "Thing", name: "x" } },
        "roleRef.kind",
        "FieldValueNotSupported",
      ],
      [
        "a role of another group",
        { roleRef: { apiGroup: "apps", kind: "Role", name: "x" } },
        "roleRef.apiGroup",
        "FieldValueNotSupported",
      ],
      [
        "a role without a name",
        { roleRef: { apiGroup, kind: "Role", name: "" } },
        "roleRef.name",
        "FieldValueRequired",
      ],
      ["a role with a path", { roleRef: { apiGroup, kind: "Role", name: "a/b" } }, "roleRef.name", "FieldValueInvalid"],
      [
        "a subject of another kind",
        { subjects: [{ kind: "Robot", name: "x" }] },
        "subjects[0].kind",
        "FieldValueNotSupported",
      ],
      [
        "a subject without a name",
        { subjects: [{ kind: "User", name: "" }] },
        "subjects[0].name",
        "FieldValueRequired",
      ],
      [
        "a subject of another group",
        { subjects: [{ kind: "User", name: "x", apiGroup: "apps" }] },
        "subjects[0].apiGroup",
        "FieldValueNotSupported",
      ],
      ["a name that is a path", { metadata: { name: "a-%" } }, "metadata.name", "FieldValueInvalid"],
      [
        "a label that is a sentence",
        { metadata: { name: "a-x", labels: { l: "not a label" } } },
        "metadata.labels",
        "FieldValueInvalid",
      ],
    ])("is refused with %s", async (_what, change, field, reason) => {
      const status = await statusOf(create(aRoleBinding("a-bad", change)));

      expect(status).toMatchObject({
        code: 422,
        reason: "Invalid",
        details: { group: apiGroup, kind: "RoleBinding", causes: [expect.objectContaining({ field, reason })] },
      });
      expect(status.message).toMatch(
        new RegExp(`^RoleBinding\\.${apiGroup} "a-[\\w%]+" is invalid: ${field.replace(/[[\]]/g, "\\$&")}: `),
      );
    });

    it("names every problem at once", async () => {
      const status = await statusOf(create(aRoleBinding("a-bad", { roleRef: { apiGroup, kind: "Thing", name: "" } })));

      expect(status.message).toBe(
        `RoleBinding.${apiGroup} "a-bad" is invalid: [roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole", roleRef.name: Required value]`,
      );
    });

    it("of a ClusterRoleBinding takes a ClusterRole alone", async () => {
      const body = aRoleBinding("a-wide", {
        kind: "ClusterRoleBinding",
        roleRef: { apiGroup, kind: "Role", name: "x" },
      });

      const status = await statusOf(rbac.createClusterRoleBinding({ body }));

      expect(status.message).toBe(
        `ClusterRoleBinding.${apiGroup} "a-wide" is invalid: roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"`,
      );
    });
  });

  describe("listing", () => {
    beforeEach(async () => {
      await create(labelled("a-1", { owner: "us", tier: "one" }));
      await create(labelled("a-2", { owner: "us" }));
      await create(labelled("a-3", { owner: "them" }));
    });

    const named = async (query: object) => {
      const { items } = await rbac.listNamespacedRoleBinding({ namespace, ...query });
      return items.map(({ metadata }) => metadata?.name).filter((name) => name?.startsWith("a-"));
    };

    it("finds bindings by their labels", async () => {
      expect(await named({ labelSelector: "owner=us" })).toEqual(["a-1", "a-2"]);
      expect(await named({ labelSelector: "owner=us,tier=one" })).toEqual(["a-1"]);
      expect(await named({ labelSelector: "owner=nobody" })).toEqual([]);
    });

    it("gives pages in the order of names, with a token for the next one", async () => {
      const first = await rbac.listRoleBindingForAllNamespaces({ labelSelector: "listed=yes", limit: 2 });
      const token = first.metadata?._continue ?? expect.unreachable("there is another page");
      const last = await rbac.listRoleBindingForAllNamespaces({
        labelSelector: "listed=yes",
        limit: 2,
        _continue: token,
      });

      expect([first, last].map(({ items }) => items.map(({ metadata }) => metadata?.name))).toEqual([
        ["a-1", "a-2"],
        ["a-3"],
      ]);
      expect(last.metadata?._continue).toBeFalsy();
    });
  });

  describe("replacing", () => {
    it("changes subjects and annotations, and counts the version up", async () => {
      const before = await create(aRoleBinding("a-edit"));

      const after = await replace({ ...before, subjects: [{ kind: "Group", name: "team" }] });

      expect(after.subjects).toEqual([{ apiGroup, kind: "Group", name: "team" }]);
      expect(after.metadata?.uid).toBe(before.metadata?.uid);
      expect(Number(after.metadata?.resourceVersion)).toBeGreaterThan(Number(before.metadata?.resourceVersion));
    });

    it("never changes the role", async () => {
      const before = await create(aRoleBinding("a-role"));

      const status = await statusOf(replace({ ...before, roleRef: { apiGroup, kind: "ClusterRole", name: "edit" } }));

      expect(status).toMatchObject({
        code: 422,
        reason: "Invalid",
        details: { causes: [{ field: "roleRef", reason: "FieldValueInvalid" }] },
      });
      expect(status.message).toMatch(/roleRef: Invalid value: .*"edit".*: cannot change roleRef$/);
    });

    it("is a conflict with an old version, and with another uid", async () => {
      const before = await create(aRoleBinding("a-old"));
      await replace({ ...before, subjects: [] });

      const old = await statusOf(replace({ ...before, subjects: [{ kind: "User", name: "eve" }] }));
      const uid = "00000000-0000-4000-8000-000000000000";
      const other = await statusOf(replace({ ...before, metadata: { name: "a-old", uid } }));

      expect(old).toEqual(
        failure(
          409,
          "Conflict",
          `Operation cannot be fulfilled on rolebindings.${apiGroup} "a-old": the object has been modified; please apply your changes to the latest version and try again`,
          { name: "a-old", group: apiGroup, kind: "rolebindings" },
        ),
      );
      expect(other).toMatchObject({ code: 409, message: expect.stringContaining("Precondition failed: UID in") });
      expect((await read("a-old")).subjects ?? []).toEqual([]);
    });

    it("creates an absent one", async () => {
      const created = await replace(aRoleBinding("a-put"));

      expect(created.metadata?.uid).toBe((await read("a-put")).metadata?.uid);
    });
  });

  describe("deleting", () => {
    it("is refused with another uid, and the binding stays", async () => {
      const { metadata } = await create(aRoleBinding("a-kept"));
      const uid = "00000000-0000-4000-8000-000000000000";

      const status = await statusOf(remove("a-kept", { preconditions: { uid } }));

      expect(status).toEqual(
        failure(
          409,
          "Conflict",
          `Operation cannot be fulfilled on RoleBinding.${apiGroup} "a-kept": the UID in the precondition (${uid}) does not match the UID in record (${metadata?.uid}). The object might have been deleted and then recreated`,
          { name: "a-kept", group: apiGroup, kind: "RoleBinding" },
        ),
      );
      expect((await read("a-kept")).metadata?.uid).toBe(metadata?.uid);
    });

    it("of an absent object says so, in any namespace", async () => {
      const details = { name: "a-gone", group: apiGroup, kind: "rolebindings" };
      const absent = failure(404, "NotFound", `rolebindings.${apiGroup} "a-gone" not found`, details);

      expect(await statusOf(remove("a-gone"))).toEqual(absent);
      expect(await statusOf(rbac.deleteNamespacedRoleBinding({ name: "a-gone", namespace: "nowhere" }))).toEqual(
        absent,
      );
    });

    it("answers with a Status that names the uid, and only checks in a dry run", async () => {
      const { metadata } = await create(aRoleBinding("a-end"));

      await rbac.deleteNamespacedRoleBinding({ name: "a-end", namespace, dryRun: "All" });
      expect((await read("a-end")).metadata?.uid).toBe(metadata?.uid);
      const answer = await remove("a-end", { preconditions: { uid: metadata?.uid } });

      expect(answer).toMatchObject({
        kind: "Status",
        status: "Success",
        details: { name: "a-end", group: apiGroup, kind: "rolebindings", uid: metadata?.uid },
      });
      expect(await statusOf(read("a-end"))).toMatchObject({ code: 404 });
    });

    it("waits for finalizers, and the binding gives its rights until they are gone", async () => {
      const metadata = { name: "a-final", finalizers: ["example.com/keep"] };
      await create(aRoleBinding("a-final", { metadata, subjects: [{ kind: "User", name: "carol" }] }));
      await expect.poll(() => review("carol", namespace)).toMatchObject({ allowed: true });

      const answer: object = await remove("a-final");
      const kept = await read("a-final");
      const still = await review("carol", namespace);
      await replace({ ...kept, metadata: { ...kept.metadata, finalizers: [] } });

      expect(answer).toMatchObject({ kind: "RoleBinding" });
      expect(kept.metadata?.deletionTimestamp).toBeInstanceOf(Date);
      expect(still).toMatchObject({ allowed: true });
      await expect.poll(() => review("carol", namespace)).toEqual({ allowed: false });
      expect(await statusOf(read("a-final"))).toMatchObject({ code: 404 });
    });
  });

  describe("a person who is no administrator", () => {
    const secrets = { roleRef: { apiGroup, kind: "ClusterRole", name: "secrets" } };

    it("can't give what they do not have", async () => {
      const theirs = await managerIn();

      const status = await statusOf(
        theirs.createNamespacedRoleBinding({ namespace, body: aRoleBinding("a-more", secrets) }),
      );

      expect(status).toEqual(
        failure(
          403,
          "Forbidden",
          `rolebindings.${apiGroup} "a-more" is forbidden: user "dev" (groups=["managers" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}`,
          { name: "a-more", group: apiGroup, kind: "rolebindings" },
        ),
      );
    });

    it("gives what they have there, and nowhere else", async () => {
      const theirs = await managerIn("viewers");

      await theirs.createNamespacedRoleBinding({ namespace, body: aRoleBinding("a-mine") });
      const elsewhere = await statusOf(
        theirs.createNamespacedRoleBinding({ namespace: "payments", body: aRoleBinding("a-mine") }),
      );
      const wide = aRoleBinding("a-mine", { kind: "ClusterRoleBinding" });
      const everywhere = await statusOf(theirs.createClusterRoleBinding({ body: wide }));

      expect((await read("a-mine")).metadata?.name).toBe("a-mine");
      expect(elsewhere).toMatchObject({ code: 403, message: expect.stringContaining("not currently held") });
      expect(everywhere).toMatchObject({ code: 403, message: expect.stringContaining("not currently held") });
    });

    it("gives a role that they may bind, and no other", async () => {
      const theirs = await managerIn("binders");

      await theirs.createNamespacedRoleBinding({ namespace, body: aRoleBinding("a-bound") });
      const other = await statusOf(
        theirs.createNamespacedRoleBinding({ namespace, body: aRoleBinding("a-other", secrets) }),
      );

      expect((await read("a-bound")).metadata?.name).toBe("a-bound");
      expect(other.code).toBe(403);
    });

    it("can't change who gets it either", async () => {
      const before = await create(aRoleBinding("a-theirs", secrets));
      const theirs = await managerIn();

      const body = { ...before, subjects: [{ kind: "User", name: "dev" }] };
      const status = await statusOf(theirs.replaceNamespacedRoleBinding({ name: "a-theirs", namespace, body }));

      expect(status).toMatchObject({ code: 403, message: expect.stringContaining("not currently held") });
    });

    it("learns that a role is absent, if its rights would be compared", async () => {
      const theirs = await managerIn();
      const ghost = aRoleBinding("a-ghost", { roleRef: { apiGroup, kind: "ClusterRole", name: "ghost" } });

      const status = await statusOf(theirs.createNamespacedRoleBinding({ namespace, body: ghost }));
      const admins = await create(ghost);

      const details = { name: "ghost", group: apiGroup, kind: "clusterroles" };
      expect(status).toEqual(failure(404, "NotFound", `clusterroles.${apiGroup} "ghost" not found`, details));
      expect(admins.metadata?.name).toBe("a-ghost");
    });

    it("needs the right to bindings at all", async () => {
      await managerIn();
      const entry = { userarn: people.dev, username: "dev", groups: ["viewers"] };
      await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapUsers: JSON.stringify([entry]) } }));
      const theirs = (await people.as(people.dev)).rbac;

      const status = await statusOf(theirs.createNamespacedRoleBinding({ namespace, body: aRoleBinding("a-no") }));

      expect(status.message).toBe(
        `rolebindings.${apiGroup} is forbidden: User "dev" cannot create resource "rolebindings" in API group "${apiGroup}" in the namespace "shop"`,
      );
    });
  });

  describe("namespaces", () => {
    it("are listed page by page, those of the system among them", async () => {
      const { core } = await people.as(people.creator);

      const { items } = await core.listNamespace();
      const page = await core.listNamespace({ limit: 1 });

      const names = items.map(({ metadata }) => metadata?.name);
      expect(names).toEqual(expect.arrayContaining(["default", "kube-system", "payments", "shop"]));
      expect(names).toEqual(names.toSorted());
      expect(page.items).toHaveLength(1);
      expect(page.metadata?.remainingItemCount).toBe(names.length - 1);
    });
  });
});
