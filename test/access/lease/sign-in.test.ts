import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  judgeSignIn,
  podsToList,
  type SignInExpectation,
  type SignInObservation,
} from "../../../src/access/lease/sign-in.ts";

const expected: SignInExpectation = {
  identity: { username: "dev", groups: ["readers", "policy AmazonEKSViewPolicy in shop"] },
  place: "aws-auth",
  pods: { namespace: "shop", isPromised: true },
};
const seen = (groups: readonly string[], change: object = {}): SignInObservation => ({
  type: "in",
  as: { username: "dev", groups: [...groups, "system:authenticated"] },
  pods: "listed",
  ...change,
});

test("a sign-in with the expected identity that lists pods is a yes; access policies are no groups", () => {
  expect(judgeSignIn(expected, seen(["readers"]), 840)).toEqual({
    finding: { result: "yes", detail: "as dev with readers, listed pods in shop, 840 ms after it was mapped" },
    isFinal: true,
  });
});

test("a user without groups, in every namespace", () => {
  const nobodys = { ...expected, identity: { username: "dev", groups: [] }, pods: podsToList([]) };
  const everywhere = { ...nobodys, pods: { namespace: "", isPromised: false } };

  expect(judgeSignIn(everywhere, seen([]), 5).finding.detail).toBe(
    "as dev with no groups, listed pods in every namespace, 5 ms after it was mapped",
  );
});

test("pods that the level does not promise are not needed, and not said to be listed", () => {
  const unpromised = { ...expected, pods: podsToList([]) };

  expect(judgeSignIn(unpromised, seen(["readers"], { pods: "forbidden" }), 5)).toEqual({
    finding: {
      result: "yes",
      detail:
        "as dev with readers, can't list pods in default, which the level does not promise, 5 ms after it was mapped",
    },
    isFinal: true,
  });
});

describe("is asked again, and is no yes,", () => {
  test.each<[string, SignInObservation, string, string]>([
    ["a refused token", { type: "refused" }, "no", "the API server still refused its token (Unauthorized) 9 ms"],
    [
      "another username",
      seen(["readers"], { as: { username: "x", groups: ["readers"] } }),
      "no",
      "it should be dev by",
    ],
    ["a group that is missing", seen([]), "no", "readers should be there by aws-auth"],
    ["a group too many", seen(["readers", "admins"]), "no", "admins should not be there by aws-auth"],
    ["pods that were promised", seen(["readers"], { pods: "forbidden" }), "no", "which the level promises"],
  ])("%s", (_, what, result, words) => {
    const { finding, isFinal } = judgeSignIn(expected, what, 9);

    expect(finding.result).toBe(result);
    expect(finding.detail).toContain(words);
    expect(isFinal).toBe(false);
  });
});

it("says no if the API server knows the principal under another name", () => {
  const names = fc.constantFrom("dev", "ops", "");
  const groups = fc.uniqueArray(fc.constantFrom("readers", "admins", "a"));
  fc.assert(
    fc.property(names, groups, names, groups, (name, own, foundName, foundGroups) => {
      const wanted = { ...expected, identity: { username: name, groups: own } };
      const as = { username: foundName, groups: foundGroups };
      const { finding } = judgeSignIn(wanted, { type: "in", as, pods: "listed" }, 1);

      const isSame = name === foundName && own.toSorted().join() === foundGroups.toSorted().join();
      expect(finding.result).toBe(isSame ? "yes" : "no");
    }),
  );
});

describe("the pods that are listed", () => {
  const check = { verb: "list", resource: "pods", group: "", namespace: "shop" };

  test.each([
    ["those that the level names", [{ ...check, resource: "secrets" }, check], { namespace: "shop", isPromised: true }],
    [
      "all, where it may do everything",
      [{ verb: "*", resource: "*", group: "*", namespace: "" }],
      { namespace: "", isPromised: true },
    ],
    ["not one pod that it names", [{ ...check, name: "checkout" }], { namespace: "default", isPromised: false }],
    ["those of default, where it names none", [{ ...check, verb: "get" }], { namespace: "default", isPromised: false }],
    [
      "and never pods of another API",
      [{ ...check, group: "metrics.k8s.io" }],
      { namespace: "default", isPromised: false },
    ],
  ])("are %s", (_, verify, pods) => {
    expect(podsToList(verify)).toEqual(pods);
  });
});
