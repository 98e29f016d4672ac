import { expect, test } from "vitest";
import { type BoundRole, lostRights } from "../../../src/access/lease/lost-rights.ts";

const bob = { username: "arn:aws:iam::111122223333:user/bob", groups: [] };
const lease = { username: "eks-access:111122223333:bob", groups: ["eks-access:viewers"] };
const edit: BoundRole = { kind: "ClusterRole", role: "edit", namespace: "shop" };
const users = (...names: string[]) => new Map(names.map((name) => [name, [edit]]));

test("losing the username that a role binding names is a warning, with what the binding gives", () => {
  expect(lostRights(bob, lease, users(bob.username))).toEqual([
    "Loses rights: while this lasts, the principal becomes eks-access:111122223333:bob, and ClusterRole edit in shop is bound to arn:aws:iam::111122223333:user/bob.",
  ]);
});

test("becoming another user while the bindings can't be read is a warning that rights may be lost", () => {
  expect(lostRights(bob, lease, null)).toEqual([
    "The principal may lose rights while this lasts: it becomes eks-access:111122223333:bob instead of arn:aws:iam::111122223333:user/bob, and eks-access could not read the role bindings.",
  ]);
});

test("losing groups is a warning that names them", () => {
  const today = { username: "dev", groups: ["readers", "writers"] };

  expect(lostRights(today, { username: "dev", groups: ["writers", "eks-access:viewers"] }, users())).toEqual([
    "Loses rights: the principal loses the groups readers while this lasts.",
  ]);
});

test.each([
  ["was nobody", null, lease, users(bob.username)],
  ["keeps its username and groups", lease, { ...lease, groups: ["eks-access:viewers", "more"] }, users(lease.username)],
  ["loses a username that nothing is bound to", bob, lease, users("someone")],
])("finds nothing about a principal that %s", (_, today, afterwards, bound) => {
  expect(lostRights(today, afterwards, bound)).toEqual([]);
});

test("of many bindings the first are named, and how many more there are", () => {
  const many = Array.from({ length: 9 }, (_, at): BoundRole => ({ kind: "Role", role: `r${at}`, namespace: "shop" }));

  expect(lostRights(bob, lease, new Map([[bob.username, many]])).join()).toContain(
    "Role r0 in shop, Role r1 in shop, Role r2 in shop and 6 more are bound to",
  );
});
