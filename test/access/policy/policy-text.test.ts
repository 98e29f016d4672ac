import fc from "fast-check";
import { expect, test } from "vitest";
import {
  accessPolicies,
  covers,
  isFullControl,
  kubernetesGroups,
  policyTexts,
} from "../../../src/access/policy/policy-text.ts";

const scoped = fc.record({
  name: fc.constantFrom("AmazonEKSEditPolicy", "AmazonEKSViewPolicy"),
  namespaces: fc.option(fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 })),
});

test("a written policy is read as the same policy, beside any groups", () => {
  fc.assert(
    fc.property(
      scoped,
      fc.array(fc.string({ unit: fc.constantFrom("a", ":", "-"), minLength: 1 })),
      (policy, groups) => {
        const given = [...groups, ...policyTexts(policy)];

        expect(kubernetesGroups(given)).toEqual(groups);
        expect(accessPolicies(given)).toEqual([{ ...policy, namespaces: policy.namespaces?.toSorted() ?? null }]);
      },
    ),
  );
});

test("the whole cluster covers each namespace, and no namespace covers another", () => {
  expect(covers(["policy P"], "policy P in a")).toBe(true);
  expect(covers(["policy P in a"], "policy P in b")).toBe(false);
  expect(covers(["policy P in a"], "policy P")).toBe(false);
  expect(accessPolicies(["policy P in a", "policy P"])).toEqual([{ name: "P", namespaces: null }]);
});

test("full control is system:masters, and the policy of a cluster administrator everywhere", () => {
  expect(isFullControl(["system:masters"])).toBe(true);
  expect(isFullControl(["policy AmazonEKSClusterAdminPolicy"])).toBe(true);
  expect(isFullControl(["policy AmazonEKSClusterAdminPolicy in a"])).toBe(false);
});
