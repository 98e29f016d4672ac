import { describe, expect, test } from "vitest";
import { AccessError } from "../../../src/access/access-error.ts";
import type { MappedIdentity } from "../../../src/access/lease/lease-record.ts";
import { bindingName } from "../../../src/access/lease/own-bindings.ts";
import type { KubernetesIdentity } from "../../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import type { OpenedCluster } from "../../../src/worker/open-cluster.ts";
import { inEntries, proveEnd, type ReadBack } from "../../../src/worker/reconcile/prove.ts";
import { impossibleSession, reviewEnd, reviewLease } from "../../../src/worker/reconcile/review.ts";
import { askingOnce, type Reviewer } from "../../../src/worker/reconcile/review-questions.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { anEntry } from "../../builders/an-entry.ts";
import { at } from "../../builders/times.ts";

const role = "arn:aws:iam::111122223333:role/Developer";
const ours = "eks-access:111122223333:Developer:";
const noRoles = async () => null;
const check = { verb: "list", resource: "pods", group: "", namespace: "default" };
const cluster = aCluster({
  levels: aCluster().levels.map((level) => (level.name === "viewer" ? { ...level, verify: [check] } : level)),
});

/** What the proof of the end says where RBAC allows this username the level's check. */
async function findingOf(
  { principal = role, groups = ["eks-access:viewers"] }: { principal?: string; groups?: readonly string[] },
  identity: MappedIdentity,
  allowed = "nobody",
) {
  const asked: string[] = [];
  const may = async ({ username }: KubernetesIdentity) => {
    asked.push(username);
    return { allowed: username === allowed, reason: "", auditId: null };
  };
  const request = aLeasedRequest({}, { id: "r-one", principal, groups: [...groups] });
  const { finding } = await reviewEnd({ may, roleRules: noRoles }, cluster, request, identity);
  return { finding, asked };
}

test("the end of a role's lease is asked about as each session that we know", async () => {
  const { finding, asked } = await findingOf({}, { username: `${ours}eks-access`, groups: [] });

  expect(asked).toEqual([`${ours}eks-access`, `${ours}eks-access-U0ENGINEER-r-one`]);
  expect(finding).toEqual({
    result: "no",
    detail: `can't list pods in default, asked as ${ours}eks-access and ${ours}eks-access-U0ENGINEER-r-one`,
  });
});

test("a right that the session of the proof of the beginning has left is reported", async () => {
  const session = `${ours}eks-access-U0ENGINEER-r-one`;

  const { finding } = await findingOf({}, { username: `${ours}eks-access`, groups: [] }, session);

  expect(finding).toEqual({ result: "yes", detail: `can list pods in default, asked as ${session}` });
});

test("an IAM user has no sessions of other names", async () => {
  const principal = "arn:aws:iam::111122223333:user/engineer";

  const { asked } = await findingOf({ principal }, { username: "eks-access:111122223333:engineer", groups: [] });

  expect(asked).toEqual(["eks-access:111122223333:engineer"]);
});

test("the end of an access policy is proved where none is associated any more and RBAC refuses", async () => {
  const groups = ["policy AmazonEKSEditPolicy"];

  const gone = await findingOf({ groups }, { username: `${ours}eks-access`, groups: [] });
  const left = await findingOf({ groups }, { username: `${ours}eks-access`, groups: ["policy AmazonEKSViewPolicy"] });

  expect(gone.finding.result).toBe("no");
  expect(left.finding).toEqual({
    result: "not tested",
    detail:
      "its groups alone can't list pods in default, and a review asks about a Kubernetes username, and can't see the access policies of an IAM principal",
  });
});

describe("the identity that a role's end is asked about has a session's name, and no template", () => {
  const template = "eks-access:{{AccountID}}:Developer:{{SessionName}}";
  const askedOf = async (readBack: ReadBack) => {
    const asked: string[] = [];
    const may = async ({ username }: KubernetesIdentity) => {
      asked.push(username);
      return { allowed: false, reason: "", auditId: null };
    };
    const opened = { client: { may }, mode: "API", entries: null } as unknown as OpenedCluster;
    const request = aLeasedRequest({ state: "ended", proof: null }, { id: "r-one", principal: role });
    const facts = { cluster, opened, request, readBack, inForce: [] };
    const { proof } = await proveEnd({ now: () => at(0) } as WorkerContext, facts);
    return { asked, reviewedAs: proof.reviewedAs.username };
  };

  test("where the lease ended before its beginning was proved", async () => {
    const { asked, reviewedAs } = await askedOf({
      identity: null,
      place: "aws-auth",
      seenAfterMs: null,
      entryArn: null,
    });

    expect(reviewedAs).toBe(`${ours}eks-access`);
    expect(asked).toEqual([`${ours}eks-access`, `${ours}eks-access-U0ENGINEER-r-one`]);
  });

  test("where an entry that others made is left", async () => {
    const { asked, reviewedAs } = await askedOf(
      inEntries(anEntry({ principalArn: role, username: template }), undefined, role, null),
    );

    expect(reviewedAs).toBe(`${ours}eks-access`);
    expect(asked).toEqual([`${ours}eks-access`, `${ours}eks-access-U0ENGINEER-r-one`]);
  });
});

test("another session of the role is asked about, also where the role's name contains the session's", async () => {
  const asked: string[] = [];
  const may = async ({ username }: KubernetesIdentity) => {
    asked.push(username);
    return { allowed: username === "sso:alice-team:alice", reason: "", auditId: null };
  };
  const principal = "arn:aws:sts::111122223333:assumed-role/alice-team/alice";
  const request = aLeasedRequest({}, { id: "r-one", principal, groups: ["ClusterRole view"] });

  const { finding } = await reviewLease({ may, roleRules: noRoles }, cluster, request, {
    username: "sso:alice-team:alice",
    groups: [],
  });

  expect(asked).toEqual(["sso:alice-team:alice", `sso:alice-team:${impossibleSession}`]);
  expect(finding.detail).toContain("not as every session of the role");
});

describe("an API server that learns of a binding a moment after its write", () => {
  const personal = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice";
  const request = aLeasedRequest({}, { id: "r-one", principal: personal, groups: ["ClusterRole view"] });
  const identity = { username: "sso:alice", groups: [] };
  const deleted = `RBAC: allowed by ClusterRoleBinding "${bindingName("r-one", "ClusterRole view")}" of ClusterRole "view"`;
  const rule = { verbs: ["list"], apiGroups: [""], resources: ["pods"], resourceNames: [], nonResourceURLs: [] };
  const roleRules = async () => [rule];
  /** @param before its answers about alice before it learned of the write: so many */
  const behind = (before: number, allowed: boolean, reason = "") => {
    let asked = 0;
    const again: Reviewer["may"] = async ({ username }) => {
      if (username === "sso:alice") asked += 1;
      const isBefore = username === "sso:alice" && asked <= before;
      return { allowed: isBefore ? allowed : username === "sso:alice" && !allowed, reason, auditId: null };
    };
    const client = { ...askingOnce({ may: again, roleRules }), again };
    return { client, asked: () => asked };
  };

  test("is asked again before the worker says that a new lease gives nothing", async () => {
    const { client } = behind(3, false);

    const { finding } = await reviewLease(client, cluster, request, identity);

    expect(finding.result).toBe("yes");
  });

  test("is not asked again where the role does not give what the level verifies", async () => {
    const { client, asked } = behind(100, false);
    const ofSecrets = { ...client, roleRules: async () => [{ ...rule, resources: ["secrets"] }] };

    const { finding, unanswered } = await reviewLease(ofSecrets, cluster, request, identity);

    expect([finding, unanswered]).toEqual([{ result: "no", detail: "can't list pods in default" }, null]);
    expect(asked()).toBe(1);
  });

  test("makes the worker look again later, and say nothing about the rights until then", async () => {
    const { client } = behind(100, false);

    const { finding, unanswered } = await reviewLease(client, cluster, request, identity);

    expect(finding).toEqual({ result: "not tested", detail: "the API server does not know the new binding yet" });
    expect(unanswered).toMatchObject({ retryable: true, retryAfterMs: 15_000 });
  });

  test("is asked again while it allows by the binding that is deleted", async () => {
    const { client } = behind(3, true, deleted);

    const { finding } = await reviewEnd(client, cluster, request, identity);

    expect(finding.result).toBe("no");
  });

  const byLease = (id: string) => `RBAC: allowed by RoleBinding "${bindingName(id, "ClusterRole edit")}/default"`;

  test("is asked again while it allows by the deleted binding of another lease that ended", async () => {
    const { client } = behind(3, true, byLease("r-two"));

    const { finding } = await reviewEnd(client, cluster, request, identity);

    expect(finding.result).toBe("no");
  });

  test.each([
    ["is nobody's lease", 'RBAC: allowed by ClusterRoleBinding "sre" of ClusterRole "admin"'],
    ["is of a lease in force", byLease("r-two")],
  ])("is asked once where a binding allows it that %s", async (_, reason) => {
    const { client, asked } = behind(3, true, reason);

    const { finding } = await reviewEnd(client, cluster, request, identity, [aLeasedRequest({}, { id: "r-two" })]);

    expect(finding.result).toBe("yes");
    expect(asked()).toBe(1);
  });

  test("is asked once more after some seconds where it still allows by a deleted binding", async () => {
    const { client } = behind(100, true, deleted);
    const opened = { client, mode: "CONFIG_MAP", entries: null } as unknown as OpenedCluster;
    const readBack = { identity, place: "the bindings", seenAfterMs: null, entryArn: null };

    const { proof } = await proveEnd({ now: () => at(0) } as WorkerContext, {
      ...{ cluster, opened, reviewer: client, request, readBack, inForce: [] },
    });

    expect(proof).toMatchObject({ authorized: { result: "yes" }, trouble: { attempts: 1 } });
  });

  test("is asked for no more than two seconds", async () => {
    const { client, asked } = behind(100, true, deleted);

    const { finding } = await reviewEnd(client, cluster, request, identity);

    expect(finding).toEqual({ result: "yes", detail: expect.stringContaining(deleted) });
    expect(asked()).toBe(6);
  });
});

describe("a level that binds roles and names nothing to verify", () => {
  const silent = aCluster({ levels: aCluster().levels.map((level) => ({ ...level, verify: [] })) });
  const identity = { username: "sso:alice", groups: [] };
  const right = { verbs: ["get"], apiGroups: [""], resources: ["pods"], resourceNames: [], nonResourceURLs: [] };
  const review = (groups: string[], roleRules: Reviewer["roleRules"], may: Reviewer["may"]) => {
    const principal = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice";
    return reviewLease({ may, roleRules }, silent, aLeasedRequest({}, { id: "r-one", principal, groups }), identity);
  };
  const yes = async ({ username }: KubernetesIdentity) => {
    return { allowed: username === "sso:alice", reason: "", auditId: null };
  };

  test("asks about its roles, each in its namespace, once where two say the same", async () => {
    const named: unknown[] = [];
    const groups = ["ClusterRole view", "Role deployer in shop", "Role reader in shop"];

    const { finding } = await review(
      groups,
      async (...role) => {
        named.push(role);
        return [right];
      },
      yes,
    );

    expect(named).toEqual([
      [{ kind: "ClusterRole", name: "view" }, null],
      [{ kind: "Role", name: "deployer" }, "shop"],
      [{ kind: "Role", name: "reader" }, "shop"],
    ]);
    expect(finding.detail).toBe("can get pods in every namespace, get pods in shop, not as every session of the role");
  });

  const paths = { ...right, resources: [], nonResourceURLs: ["/logs/*"] };

  test("asks about a path, where its roles have no other right, and about it as another session", async () => {
    const asked: unknown[] = [];

    const { finding } = await review(
      ["ClusterRole scraper"],
      async () => [paths],
      async (identity, access) => {
        asked.push(access);
        return yes(identity);
      },
    );

    expect(asked).toEqual([
      { verb: "get", path: "/logs/*" },
      { verb: "get", path: "/logs/*" },
    ]);
    expect(finding).toEqual({
      result: "yes",
      detail: "can get the path /logs/*, not as every session of the role",
    });
  });

  test.each([
    ["a RoleBinding gives no path", ["ClusterRole scraper in shop"], paths],
    ["no path is plain", ["ClusterRole scraper"], { ...paths, nonResourceURLs: ["<!here>", "/a b"] }],
  ])("says that no question can name a right of its roles: %s", async (_, groups, rules) => {
    const { finding } = await review(groups, async () => [rules], yes);

    expect(finding).toEqual({
      result: "not tested",
      detail: "the roles of viewer have no right that a question can name",
    });
  });

  test("asks about a named object, also as another session, where its role gives no more", async () => {
    const asked: unknown[] = [];

    const { finding } = await review(
      ["Role reader in shop"],
      async () => [{ ...right, resources: ["secrets"], resourceNames: ["tls"] }],
      async ({ username }, access) => {
        asked.push([username, access]);
        const isThere = "namespace" in access && access.namespace === "shop";
        return { allowed: username === "sso:alice" && isThere, reason: "", auditId: null };
      },
    );

    const tls = { verb: "get", resource: "secrets", namespace: "shop", name: "tls" };
    expect(asked).toEqual([
      ["sso:alice", tls],
      [`sso:${impossibleSession}`, tls],
      ["sso:alice", { ...tls, namespace: "eks-access-another-namespace" }],
    ]);
    expect(finding).toEqual({
      result: "yes",
      detail: "can get secrets tls in shop, not in every namespace, not as every session of the role",
    });
  });

  test("gets another try, where the API server does not show its roles", async () => {
    const lost = new AccessError("cluster-unreachable", "no answer");

    const { finding, unanswered } = await review(["ClusterRole view"], () => Promise.reject(lost), yes);

    expect([finding.detail, unanswered]).toEqual(["the API server has not answered yet", lost]);
  });
});

test.each([
  ['RBAC: allowed by RoleBinding "eks-access-r-one-0123/shop" of ClusterRole "view" to User "sso:alice"', 0],
  ['RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "view" to Group "system:authenticated"', 1],
  ["", 1],
])("another namespace is asked about only if the reason leaves it open: %s", async (reason, times) => {
  const places: (string | undefined)[] = [];
  const may: Reviewer["may"] = async (_, access) => {
    if ("namespace" in access) places.push(access.namespace);
    return { allowed: true, reason, auditId: null };
  };
  const principal = "arn:aws:iam::111122223333:user/alice";
  const request = aLeasedRequest({}, { id: "r-one", principal, groups: ["ClusterRole view in shop"] });

  const { finding } = await reviewLease({ may, roleRules: noRoles }, cluster, request, {
    username: "alice",
    groups: [],
  });

  expect(places.filter((place) => place !== "default")).toHaveLength(times);
  expect(finding.detail).toContain(times === 0 ? "not in every namespace" : "in every namespace too, by other");
});
