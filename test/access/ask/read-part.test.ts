import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearest, principalHint } from "../../../src/access/ask/read-part.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { cpuTimeOf } from "../../cpu-time.ts";

const known = ["staging", "production", "dev"];

test.each([
  ["stagin", "staging"],
  ["STAGING", "staging"],
  ["satging", "staging"],
  ["prodution", "production"],
  ["dev1", "dev"],
  ["edv", "dev"],
  ["prod", null],
  ["", null],
  ["elsewhere", null],
])("%j is taken for %s", (typed, word) => {
  expect(nearest(typed, known)).toBe(word);
});

test("a known word is its own nearest one", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1 }), (words) => {
      const lower = [...new Set(words.map((word) => word.toLowerCase()))];

      for (const word of lower) expect(nearest(word, lower)).toBe(word);
    }),
  );
});

test("a text of a hundred thousand characters is answered at once", () => {
  const many = Array.from({ length: 500 }, (_, index) => `cluster-${index}`);

  const took = cpuTimeOf(() => expect(nearest("x".repeat(100_000), many)).toBeNull());

  expect(took).toBeLessThan(500);
});

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
