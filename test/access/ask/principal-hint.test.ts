import { describe, expect, test } from "vitest";
import { principalHint } from "../../../src/access/ask/read-part.ts";
import { aCluster } from "../../builders/a-cluster.ts";

const account = "111122223333";

describe("while an ARN is typed", () => {
  const whole = `arn:aws:iam::${account}:role/developers`;

  test.each(Array.from({ length: whole.length + 1 }, (_, length) => whole.slice(0, length)))(
    "nothing is said of %j, which may go on",
    (typed) => {
      expect(principalHint(typed, aCluster())).toBeNull();
    },
  );

  test.each([
    ["a role's path", `arn:aws:iam::${account}:role/teams/developers`, `arn:aws:iam::${account}:role/developers`],
    [
      "a role of IAM Identity Center",
      `arn:aws:iam::${account}:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Dev_0123456789abcdef`,
      `arn:aws:iam::${account}:role/AWSReservedSSO_Dev_0123456789abcdef`,
    ],
    [
      "a session of a role",
      `arn:aws:sts::${account}:assumed-role/developers/someone`,
      `arn:aws:iam::${account}:role/developers`,
    ],
  ])("%s is answered with the right form", (_, typed, suggestion) => {
    expect(principalHint(typed, aCluster())?.suggestion).toBe(suggestion);
  });

  test.each([
    ["the root user", `arn:aws:iam::${account}:root`, "The root user"],
    ["a group", `arn:aws:iam::${account}:group/developers`, "An IAM group can't get access"],
    ["a wildcard", `arn:aws:iam::${account}:role/*`, "A wildcard can't get access"],
    ["no partition", `arn:ams:iam::${account}:role/developers`, 'The partition "ams" is wrong in this ARN.'],
    ["another account", "arn:aws:iam::999988887777:role/developers", "is in 999988887777"],
    ["the creator", `arn:aws:iam::${account}:role/cluster-creator`, "created staging"],
  ])("%s is reported at once", (_, typed, sentence) => {
    expect(principalHint(typed, aCluster())).toMatchObject({
      message: expect.stringContaining(sentence),
      suggestion: null,
    });
  });

  test("white space around it is no mistake: it is left out", () => {
    expect(principalHint(` ${whole}\n`, aCluster())).toBeNull();
  });

  test("no hint about the account appears before there is a cluster", () => {
    expect(principalHint("arn:aws:iam::999988887777:role/developers", null)).toBeNull();
  });
});
