import { describe, expect, test } from "vitest";
import { driftOf, isAsWeLeftIt, mapOwner, ownedDocument } from "../../../src/access/lease/drift.ts";
import { wayFor } from "../../../src/access/policy/cluster.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import { aLeasedRequest, engineerArn } from "../../builders/a-request.ts";

const activeSince = "2026-03-01T08:30:00.500Z";
const active = aLeasedRequest({ state: "active", activeSince }, { groups: ["a", "b"] });

function writer(manager: string, time: string | null, ...dataKeys: string[]) {
  return { manager, time, dataKeys };
}

test("a lease with all its groups in its entry has not drifted, whatever else is there", () => {
  expect(driftOf(active, { username: "dev", groups: ["theirs", "b", "a"] }, [])).toBeNull();
});

describe("a lease has drifted", () => {
  test("where its entry is gone", () => {
    const drift = driftOf(active, null, [writer("terraform", "2026-03-01T10:00:00Z", "mapUsers")]);

    expect(drift?.message).toBe(
      `the entry of ${engineerArn} is gone; terraform wrote mapUsers last, 2026-03-01T10:00:00Z`,
    );
  });

  test("where its entry lacks a group, which is named", () => {
    expect(driftOf(active, { username: "dev", groups: ["a"] }, [])?.message).toBe(
      `the entry of ${engineerArn} lacks b; the cluster does not say who removed it`,
    );
  });
});

test("a lease in an unreadable section is not reported as removed, and one in another section is", () => {
  const unread = (text: string) => parseDocument({ [text]: "- : [" }).problems;

  expect(driftOf(active, null, [], unread("mapUsers"))?.message).toMatch(/^mapUsers can't be read from line \d on$/);
  expect(driftOf(active, null, [], unread("mapRoles"))?.message).toContain("is gone");
});

test("a lease is not reported as removed where the authenticator stops before its entry", () => {
  const { problems } = parseDocument({ mapUsers: "- username: a\n---\n- username: b\n" });

  expect(driftOf(active, null, [], problems)).toMatchObject({
    message: "mapUsers can't be read from line 2 on",
    isUnread: true,
  });
  expect(driftOf(active, { username: "dev", groups: ["a"] }, [], problems)?.message).toMatch(
    /^the entry of .* lacks b;/,
  );
});

describe("who is named", () => {
  const messageWith = (...writers: ReturnType<typeof writer>[]) => driftOf(active, null, writers)?.message;
  const nobody = `the entry of ${engineerArn} is gone; the cluster does not say who removed it`;

  test("is the newest writer of the section, never we ourselves", () => {
    const message = messageWith(
      writer("argocd", "2026-03-01T08:40:00Z", "mapUsers"),
      writer("kubectl-edit", "2026-03-01T09:00:00Z", "mapUsers"),
      writer("eks-access", "2026-03-01T10:00:00Z", "mapUsers"),
      writer("eksctl", "2026-03-01T11:00:00Z", "mapRoles"),
    );

    expect(message).toContain("; kubectl-edit wrote mapUsers last, 2026-03-01T09:00:00Z");
  });

  test("excludes who wrote before the lease was active", () => {
    expect(messageWith(writer("argocd", "2026-03-01T08:29:59Z", "mapUsers"))).toBe(nobody);
  });

  test("may have written in the very second in which it turned active: managedFields knows only seconds", () => {
    expect(messageWith(writer("argocd", "2026-03-01T08:30:00Z", "mapUsers"))).toContain("; argocd wrote mapUsers last");
  });

  test("excludes who wrote elsewhere, or at an unknown time", () => {
    expect(messageWith(writer("eksctl", "2026-03-01T09:00:00Z", "mapRoles"), writer("kubectl", null, "mapUsers"))).toBe(
      nobody,
    );
  });
});

describe("a section is as our last write left it", () => {
  const ours = writer("eks-access", "2026-03-01T10:00:00Z", "mapRoles");

  test.each([
    ["yes", "we wrote it last", [writer("eks-access", "2026-03-01T10:00:00Z", "mapUsers")]],
    ["yes", "we wrote elsewhere long after its writer", [ours, writer("vim", "2026-03-01T09:58:59Z", "mapUsers")]],
    [
      "no",
      "its writer came within the difference of clocks",
      [ours, writer("vim", "2026-03-01T09:59:00Z", "mapUsers")],
    ],
    ["no", "its writer came later", [ours, writer("vim", "2026-03-01T10:00:01Z", "mapUsers")]],
    ["no", "its writer has no time", [ours, writer("vim", null, "mapUsers")]],
    ["no", "our write has no time", [writer("eks-access", null), writer("vim", "2026-03-01T09:00:00Z", "mapUsers")]],
    ["no", "we never wrote", [writer("vim", "2026-03-01T09:00:00Z", "mapUsers")]],
    ["no", "the cluster names no writer", [ours]],
  ])("%s: %s", (answer, _, writers) => {
    expect(isAsWeLeftIt(writers, "mapUsers")).toBe(answer === "yes");
  });
});

const wrote = (manager: string, dataKeys = ["mapRoles"]) => ({ manager, dataKeys, time: null });

describe("the owner of aws-auth", () => {
  test.each([
    ["HashiCorp", "Terraform"],
    ["Terraform", "Terraform"],
    ["terraform-provider-kubernetes_v2.38.0_x5", "Terraform"],
    ["argocd-controller", "Argo CD"],
    ["kustomize-controller", "Flux"],
    ["helm-controller", "Flux"],
    ["helm", "Helm"],
    ["pulumi-kubernetes-1a2b3c4d", "Pulumi"],
  ])("is the tool that wrote a section last: %s is %s", (manager, name) => {
    expect(mapOwner({}, [wrote("eks-access", ["mapUsers"]), wrote(manager)])).toMatchObject({ name, manager });
  });

  test.each([
    ["eks-access"],
    ["kubectl-client-side-apply"],
    ["kubectl-edit"],
    ["eksctl"],
    ["vpcLambda"],
    ["my-terraform-notes"],
  ])("is not a person, EKS or we: %s", (manager) => {
    expect(mapOwner({}, [wrote(manager)])).toBeNull();
  });

  test("is not a tool that wrote no section", () => {
    expect(mapOwner({}, [wrote("argocd-controller", []), wrote("HashiCorp", ["README"])])).toBeNull();
  });

  test("is the one of the configuration, no matter who wrote last, and none where that says none", () => {
    expect(mapOwner({ owner: "argocd" }, [wrote("HashiCorp")])).toMatchObject({ name: "Argo CD", manager: null });
    expect(mapOwner({ owner: "our-pipeline" }, [])).toMatchObject({ name: "our-pipeline" });
    expect(mapOwner({ owner: "none" }, [wrote("HashiCorp")])).toBeNull();
  });

  test("is named in the refusal, with both ways out", () => {
    const owner = mapOwner({}, [wrote("argocd-controller")]) ?? expect.fail("there is none");

    const { message } = ownedDocument({ name: "payments" }, owner);

    expect(message).toContain("aws-auth of payments belongs to Argo CD (argocd-controller wrote it last)");
    expect(message).toMatch(/level that binds roles.*the setting of \/eks-access check payments/);
  });
});

describe("where aws-auth belongs to another tool", () => {
  const both = { mode: "API_AND_CONFIG_MAP", preferred: "aws-auth", hasEntry: false, isOwned: true } as const;

  test("a new principal gets an access entry, whatever the configured way", () => {
    expect(wayFor({ ...both, isMapped: false })).toBe("access-entry");
  });

  test("one with an entry there keeps it: an access entry would hide it", () => {
    expect(wayFor({ ...both, isMapped: true })).toBe("aws-auth");
  });
});
