import { expect, test } from "vitest";
import { goesBy } from "../../../src/aws-auth/principal/caller.ts";

const role = "arn:aws:iam::111122223333:role/Developer";
const user = "arn:aws:iam::111122223333:user/engineer";

test.each<[string, string, string]>([
  ["the role", role, role],
  ["the role in other letters", role.toLowerCase(), role],
  ["the role with its path", "arn:aws:iam::111122223333:role/team/Developer", role],
  ["a session of the role", "arn:aws:sts::111122223333:assumed-role/Developer/alice@example.com", role],
  ["the user", user, user],
])("somebody linked with %s goes by it", (_, linked, principal) => {
  expect(goesBy(linked, principal)).toBe(true);
});

test.each<[string, string | null, string]>([
  ["nothing", null, role],
  ["another role", `${role}2`, role],
  ["the role of another account", role.replace("1111", "9999"), role],
  ["a user of the role's name", role.replace(":role/", ":user/"), role],
  ["a session of another role", "arn:aws:sts::111122223333:assumed-role/Admin/Developer", role],
  ["what is no ARN", "Developer", role],
])("somebody linked with %s does not", (_, linked, principal) => {
  expect(goesBy(linked, principal)).toBe(false);
});
