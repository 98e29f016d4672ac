import { expect, test } from "vitest";
import type { Identities } from "../../../src/access/found-identities.ts";
import { whyNoIdentity } from "../../../src/slack/link/identities.ts";

const found: Identities = {
  user: "U0ENGINEER",
  email: "alice@example.com",
  cluster: "staging",
  at: "2026-01-01T00:00:00.000Z",
  person: { userName: "alice@example.com", permissionSets: ["Developer"], roles: [] },
  why: null,
  seal: "",
};

test("has a reason and a remedy if no identity is found", () => {
  const why = (reason: NonNullable<Identities["why"]>) => whyNoIdentity({ ...found, why: reason });

  expect(whyNoIdentity(found)).toBeNull();
  expect(why("user-not-found")).toContain("no user has the address alice@example.com. Ask its administrator");
  expect(why("email-of-two-users")).toContain("is one user's address and another's name. Ask");
  expect(why("role-unknown")).toContain("staging names no role of your permission set Developer");
  expect(why("no-permission-set")).toContain("you have no permission set in the account of staging");
});
