import { expect, test } from "vitest";
import { admittedBy, admittedInWords } from "../../../src/aws-auth/principal/caller.ts";

const account = "arn:aws:iam::111122223333";

test.each([
  ["one IAM user", `${account}:user/team/alice`, "the IAM user alice"],
  ["everyone who can assume a role", `${account}:role/Developer`, "everyone who can assume Developer"],
  [
    "everyone with a permission set of Identity Center in the account",
    `${account}:role/AWSReservedSSO_Read_Only_0123456789abcdef`,
    "everyone with the Identity Center permission set Read_Only in account 111122223333",
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
