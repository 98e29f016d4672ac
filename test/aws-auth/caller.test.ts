import { expect, test } from "vitest";
import { admittedBy, admittedInWords, isSamePrincipal } from "../../src/aws-auth/caller.ts";

const account = "arn:aws:iam::111122223333";

test.each([
  ["one IAM user", `${account}:user/team/alice`, "the IAM user alice"],
  ["everyone who can assume a role", `${account}:role/Developer`, "everyone who can assume Developer"],
  [
    "everyone with a permission set of Identity Center in the account",
    `${account}:role/AWSReservedSSO_Read_Only_0123456789abcdef`,
    "everyone with the permission set Read_Only in account 111122223333",
  ],
  [
    "everyone who can assume a role that only begins like one of Identity Center",
    `${account}:role/AWSReservedSSO_Developer`,
    "everyone who can assume AWSReservedSSO_Developer",
  ],
  [
    "everyone who can assume a role of another partition",
    "arn:aws-cn:iam::111122223333:role/Developer",
    "everyone who can assume Developer",
  ],
])("a lease admits %s", (_, arn, words) => {
  expect(admittedInWords(admittedBy(arn))).toBe(words);
});

const role = "arn:aws:iam::111122223333:role/Developer";
const user = "arn:aws:iam::111122223333:user/engineer";

test.each<[string, string, string]>([
  ["the role", role, role],
  ["the role in other letters", role.toLowerCase(), role],
  ["the role with its path", "arn:aws:iam::111122223333:role/team/Developer", role],
  ["a session of the role", "arn:aws:sts::111122223333:assumed-role/Developer/alice@example.com", role],
  ["the user", user, user],
])("a person linked with %s is the same principal", (_, linked, principal) => {
  expect(isSamePrincipal(linked, principal)).toBe(true);
});

test.each<[string, string | null, string]>([
  ["nothing", null, role],
  ["another role", `${role}2`, role],
  ["the role of another account", role.replace("1111", "9999"), role],
  ["a user of the role's name", role.replace(":role/", ":user/"), role],
  ["a session of another role", "arn:aws:sts::111122223333:assumed-role/Admin/Developer", role],
  ["what is no ARN", "Developer", role],
])("a person linked with %s is another principal", (_, linked, principal) => {
  expect(isSamePrincipal(linked, principal)).toBe(false);
});
