import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { SandboxAccount } from "../../sandbox/aws/sandbox-account.ts";
import { type SandboxCluster, startSandboxCluster } from "../../sandbox/cluster/cluster.ts";
import { group } from "../../sandbox/cluster/default-roles.ts";
import { mintToken } from "../../src/aws/sts.ts";
import { type ClusterClient, connectCluster } from "../../src/kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../src/kubernetes/config-map.ts";
import { account, describeCluster, partition, region, useAccount } from "../aws/aws-account.ts";

const accountUnderTest = useAccount();
const mapRoles = `- rolearn: arn:aws:iam::${account}:role/viewer
  username: viewer:{{SessionName}}
  groups: [pod-viewers]
`;
let cluster: SandboxCluster;
const clients: ClusterClient[] = [];

beforeAll(async () => {
  const { aws, creatorArn } = accountUnderTest();
  const rbac = {
    roles: [
      {
        name: "debugger",
        namespace: "shop",
        kind: "ClusterRole",
        rules: [{ verbs: ["get", "create"], apiGroups: [""], resources: ["pods/exec"] }],
      },
    ],
    bindings: [
      ...["default", "shop"].map((namespace) => group(`shop-${namespace}`, "view", "shop-team", namespace)),
      {
        name: "debuggers",
        namespace: "shop",
        role: { kind: "Role" as const, name: "debugger" },
        subjects: [{ kind: "Group" as const, name: "shop-team" }],
      },
      group("nothing", "gone", "shop-team"),
      group("pod-viewers", "view", "pod-viewers"),
    ],
  };
  cluster = await startSandboxCluster({
    name: "payments",
    region,
    creatorArn,
    stsUrl: aws.url,
    awsAuth: { mapRoles },
    rbac,
  });
  const { endpoint, certificateAuthority } = cluster;
  aws.addCluster({ name: "payments", region, creatorArn, endpoint, certificateAuthority });
  aws.account.addRole({ name: "viewer" });
  aws.account.addRole({ name: "stranger" });
});
afterEach(() => void vi.restoreAllMocks());
afterAll(async () => {
  for (const client of clients) client.close();
  await cluster?.stop();
});

/** A client that signs in as a session of this role, by what EKS says of the cluster. */
async function signIn(role: string, options: Parameters<SandboxAccount["sessionFor"]>[2] = {}): Promise<ClusterClient> {
  const { aws, worker } = accountUnderTest();
  const description = await describeCluster(worker, { eksName: "payments", region, account, partition });
  const session = aws.account.sessionFor(`arn:aws:iam::${account}:role/${role}`, "somebody", options);
  const token = await mintToken(session, { eksName: "payments", region }, new Date());
  const client = connectCluster({ ...description, token });
  clients.push(client);
  return client;
}

async function mapOf(client: ClusterClient): Promise<AwsAuthConfigMap> {
  return (await client.readAwsAuth()) ?? expect.unreachable("the map is there");
}

test("the creator is always an administrator, whatever the map says", async () => {
  const creator = await signIn("cluster-creator");

  const identity = await creator.whoAmI();

  expect(identity?.groups).toContain("system:masters");
  expect(await creator.mayI({ verb: "*", resource: "*", group: "*" })).toBe(true);
});

test("a mapped role has the identity of the map, with its groups' RBAC rights", async () => {
  const viewer = await signIn("viewer");

  const identity = await viewer.whoAmI();

  expect(identity).toEqual({
    username: "viewer:somebody",
    groups: expect.arrayContaining(["pod-viewers", "system:authenticated"]),
  });
  expect(await viewer.mayI({ verb: "list", resource: "pods" })).toBe(true);
  expect(await viewer.mayI({ verb: "create", resource: "pods/exec", namespace: "default" })).toBe(false);
  expect(await viewer.listPods("default")).not.toHaveLength(0);
});

test("a role without a mapping has no identity", async () => {
  const stranger = await signIn("stranger");

  const failure = stranger.listPods("default");

  await expect(failure).rejects.toMatchObject({
    code: "cluster-unauthorized",
    what: "The API server answered 401 to GET pods in default of cluster payments",
  });
});

test.each([
  [20, "ahead of"],
  [-20, "behind"],
])("a 401 to a machine whose clock is %i min off names the clock", async (minutes, how) => {
  const now = Date.now();
  vi.spyOn(Date, "now").mockReturnValue(now + minutes * 60_000);
  const stranger = await signIn("stranger");

  await expect(stranger.listPods("default")).rejects.toMatchObject({
    code: "cluster-unauthorized",
    message: `The API server of cluster payments answered 401, and this machine's clock is 20 min ${how} its own. Set the clocks by NTP.`,
  });
});

test("a session with many tags learns that its token may be too large, not that it is unmapped", async () => {
  const tags = new Map(Array.from({ length: 10 }, (_, index) => [`kubernetes-tag-${index}`, "x".repeat(256)] as const));
  const creator = await signIn("cluster-creator", { tags });

  const failure = creator.listPods("default");

  await expect(failure).rejects.toMatchObject({ code: "cluster-token-too-large" });
  await expect(failure).rejects.toThrow(
    /^The API server of cluster payments answered 401 to a token of \d{4,5} bytes; its authenticator accepts 4096\. Pass fewer session tags/,
  );
});

test("a caller without rights to the map is refused in the API server's own words", async () => {
  const viewer = await signIn("viewer");
  const before = await mapOf(viewer);

  const failure = viewer.writeAwsAuth(before, before);

  await expect(failure).rejects.toMatchObject({ code: "cluster-forbidden", retryable: false });
  await expect(failure).rejects.toThrow('User "viewer:somebody" cannot update resource "configmaps"');
});

test("another caller's rights are checked by name and groups", async () => {
  const creator = await signIn("cluster-creator");
  const identity = { username: "viewer:somebody", groups: ["pod-viewers"] };

  const list = await creator.may(identity, { verb: "list", resource: "pods", namespace: "default" });
  const remove = await creator.may(identity, { verb: "delete", resource: "pods", namespace: "default" });

  expect(list).toEqual({
    allowed: true,
    auditId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    reason: expect.stringContaining("pod-viewers"),
  });
  expect(remove.allowed).toBe(false);
});

test("the rights of every signed-in caller are included", async () => {
  const creator = await signIn("cluster-creator");
  const access = { verb: "create", resource: "selfsubjectreviews", group: "authentication.k8s.io" };

  const answer = await creator.may({ username: "anybody", groups: [] }, access);

  expect(answer.allowed).toBe(true);
});

test("shows what RBAC binds to a group, and no group without a binding", async () => {
  const creator = await signIn("cluster-creator");

  const { groups: bindings } = await creator.roleBindings();

  expect(bindings.get("shop-team")).toEqual([
    { kind: "ClusterRole", role: "gone", namespace: null },
    { kind: "ClusterRole", role: "view", namespace: "default" },
    { kind: "Role", role: "debugger", namespace: "shop" },
    { kind: "ClusterRole", role: "view", namespace: "shop" },
  ]);
  expect(bindings.has("system:masters")).toBe(true);
  expect(bindings.has("nobody-binds-this")).toBe(false);
});

test("a group's rights come from the roles that are bound to it", async () => {
  const creator = await signIn("cluster-creator");
  const { groups: bindings } = await creator.roleBindings();

  const { rights } = await creator.groupRights(bindings, ["shop-team", "nobody-binds-this"]);

  expect(rights).toEqual([
    {
      group: "shop-team",
      role: "ClusterRole gone",
      where: "in every namespace",
      allows: "nothing: there is no such role",
    },
    {
      group: "shop-team",
      role: "ClusterRole view",
      where: "in default, shop",
      allows: expect.stringMatching(/^read pods, pods\/log, deployments, .* and \d+ more$/),
    },
    { group: "shop-team", role: "Role debugger", where: "in shop", allows: "read and change pods/exec" },
  ]);
});

test("a dry run changes nothing, the write that follows does", async () => {
  const creator = await signIn("cluster-creator");
  const before = await mapOf(creator);
  const after = { data: { ...before.data, mapUsers: "[]" }, annotations: { "eks-access/leases": "x" } };

  await creator.rehearseWrite(before, after);
  const rehearsed = await creator.readAwsAuth();
  const written = await creator.writeAwsAuth(before, after);

  expect(rehearsed?.data).toEqual(before.data);
  expect(written.data).toEqual(after.data);
  expect(written.annotations).toEqual(after.annotations);
  expect(written.managers.find((each) => each.manager === "eks-access")?.dataKeys).toEqual(["mapUsers"]);
});

test("a write over another edit is a conflict, and the other edit stays", async () => {
  const creator = await signIn("cluster-creator");
  const before = await mapOf(creator);
  cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, theirs: "kept" } }), "kubectl-edit");

  const failure = creator.writeAwsAuth(before, { ...before, data: {} });

  await expect(failure).rejects.toMatchObject({ code: "cluster-conflict" });
  expect(cluster.awsAuth()?.data).toMatchObject({ theirs: "kept" });
});

test("a map that was deleted meanwhile is a conflict", async () => {
  const creator = await signIn("cluster-creator");
  const before = await mapOf(creator);
  cluster.deleteAwsAuth();

  const failure = creator.writeAwsAuth(before, before);

  await expect(failure).rejects.toMatchObject({ code: "cluster-conflict" });
});

test("a map that was created again is a conflict", async () => {
  const creator = await signIn("cluster-creator");
  const before = await creator.createAwsAuth({ data: { mapRoles }, annotations: {} });
  cluster.deleteAwsAuth();
  await creator.createAwsAuth({ data: { mapRoles }, annotations: {} });

  const failure = creator.writeAwsAuth(before, before);

  await expect(failure).rejects.toMatchObject({ code: "cluster-conflict" });
});

test("a write with a lost answer is sent once and reported as unanswered, although it took effect", async () => {
  const creator = await signIn("cluster-creator");
  const before = await mapOf(creator);
  const calls = cluster.faults.calls("kubernetes.replace-configmap");
  cluster.faults.plan("kubernetes.replace-configmap", { type: "cut-after" });

  const failure = creator.writeAwsAuth(before, { ...before, data: { ...before.data, mapUsers: "[]\n" } });

  await expect(failure).rejects.toMatchObject({ code: "cluster-unreachable", retryable: true });
  expect(cluster.faults.calls("kubernetes.replace-configmap") - calls).toBe(1);
  expect((await mapOf(creator)).data.mapUsers).toBe("[]\n");
});

test("close() ends a call that hangs", async () => {
  const creator = await signIn("cluster-creator");
  const { struck } = cluster.faults.plan("kubernetes.list-pods", { type: "hang" });
  const failure = creator.listPods("default").catch((error: unknown) => error);
  await struck;

  creator.close();

  expect(await failure).toMatchObject({ code: "cluster-unreachable" });
});
