import { expect, test } from "vitest";
import { signInMethod } from "../../../src/access/policy/cluster.ts";

const iam = (rest: string) => `arn:aws:iam::111122223333:${rest}`;
const wayWith = (roles: readonly string[], principal: string, externalId?: string) =>
  signInMethod({ name: "staging", signIn: { roles, externalId } }, principal);

test.each([
  ["by its name", "role/dev", "role/dev", "role/dev"],
  ["by a pattern", "role/dev-*", "role/dev-a", "role/dev-a"],
  ["with the path that the setting has", "role/team/eu/dev-*", "role/dev-a", "role/team/eu/dev-a"],
  ["whatever the case of its letters", "role/Dev-*", "role/dev-a", "role/dev-a"],
])("the worker assumes a role %s", (_, setting, principal, roleArn) => {
  expect(wayWith([iam("role/another"), iam(setting)], iam(principal))).toEqual({ type: "role", roleArn: iam(roleArn) });
});

test("the external id of the settings goes with it", () => {
  expect(wayWith([iam("role/dev")], iam("role/dev"), "id-1")).toMatchObject({ externalId: "id-1" });
});

test.each([
  ["another name", iam("role/dev"), iam("role/dev-a")],
  ["another account", iam("role/dev"), "arn:aws:iam::999988887777:role/dev"],
])("the worker does not assume a role of %s, and says how to allow it", (_, setting, principal) => {
  const way = wayWith([setting], principal);

  expect(way).toMatchObject({ type: "not tested" });
  expect(way.type === "not tested" && way.why).toContain("signIn.roles of staging in eks-access.yml");
});

test("the worker assumes no role that is not listed", () => {
  expect(wayWith([], iam("role/dev"))).toMatchObject({ type: "not tested" });
});

test("the worker never becomes a user", () => {
  expect(wayWith([iam("role/*")], iam("user/role/dev"))).toEqual({
    type: "not tested",
    why: "only the IAM user has its keys",
  });
});
