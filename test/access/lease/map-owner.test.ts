import { describe, expect, test } from "vitest";
import { mapOwner, ownedDocument } from "../../../src/access/lease/drift.ts";
import { wayFor } from "../../../src/access/policy/cluster.ts";

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
    expect(message).toMatch(/level that binds roles.*ignore leases: \/eks-access check payments/);
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
