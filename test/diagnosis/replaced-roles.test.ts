import { describe, expect, test } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import {
  outdatedEntryRemedy,
  replacedRoleProblem,
  replacedRoles,
  rolesInDocument,
} from "../../src/diagnosis/replaced-roles.ts";
import { diagnose } from "../../src/diagnosis/why.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { at, hours } from "../builders/times.ts";
import { roleEntry, whyFacts } from "../builders/why-facts.ts";

const roleOf = (suffix: string, set = "Developer", account = "111122223333") =>
  `arn:aws:iam::${account}:role/AWSReservedSSO_${set}_${suffix.repeat(16)}`;
const [older, newer] = [roleOf("a"), roleOf("b")];
const withPath = newer.replace(":role/", ":role/aws-reserved/sso.amazonaws.com/");
const place = "an access entry";
const since = (hour: number) => at(hours(hour)).toISOString();

describe("the roles of one permission set", () => {
  test("are one with and without its path, and none of another set, account or kind of role", () => {
    const all = [newer, withPath, roleOf("a", "Admin"), roleOf("a", "Developer", "444455556666"), `${older}x`];

    expect(replacedRoles(all.map((arn) => ({ arn, place })))).toEqual([]);
  });

  test("have the newest as the successor where EKS saw each when it made its entry", () => {
    const [set] = replacedRoles([
      { arn: withPath, place, since: since(2) },
      { arn: older, place, since: since(1) },
    ]);

    const problem = replacedRoleProblem(set ?? expect.fail(), aCluster());

    expect(problem.message).toBe(
      `The permission set \`Developer\` has the role \`${newer}\` in account 111122223333 now. Entries of deleted roles: \`${older}\` (an access entry).`,
    );
    expect(problem.remedy).toContain(`/eks-access repair staging ${newer}`);
    expect(problem.remedy).toContain(`/eks-access request staging ${newer} …`);
  });

  test("have no known successor where aws-auth names one: the people's own sign-in shows it", () => {
    const document = parseDocument({ mapRoles: roleEntry(older) });
    const [set] = replacedRoles([{ arn: newer, place, since: since(2) }, ...rolesInDocument(document)]);

    const problem = replacedRoleProblem(set ?? expect.fail(), aCluster());

    expect(set?.successor).toBeNull();
    expect(problem.message).toContain("has one role in account");
    expect(problem.place).toBe("an access entry, mapRoles line 1");
    expect(problem.remedy).toContain("aws sts get-caller-identity");
    expect(problem.remedy).toContain("/eks-access repair staging <that ARN>");
  });
});

describe("why, of a role that replaced another one,", () => {
  const data = { mapRoles: roleEntry(older) };

  test("names the item of the deleted role, and the request for the new one", () => {
    const { causes } = diagnose(whyFacts({ data, given: newer }));

    expect(causes[0]).toMatchObject({
      code: "role-replaced",
      message: expect.stringContaining(`\`${older}\` (mapRoles line 1)`),
    });
    expect(causes[0]?.remedy).toContain(`/eks-access request staging ${newer} …`);
    expect(causes[0]?.remedy).toContain(`/eks-access repair staging ${newer}`);
  });

  test("names the access entry of the deleted role in a cluster without aws-auth", () => {
    const rolesInEntries = [{ arn: older, place }];

    const { causes } = diagnose(whyFacts({ data: null, mode: "API", given: newer, rolesInEntries }));

    expect(causes.map(({ code }) => code)).toEqual(["role-replaced", "mode-api"]);
  });

  test("names the other role to one that the cluster lets in: it may be the deleted one", () => {
    const both = { mapRoles: `${roleEntry(older)}${roleEntry(newer)}` };

    const { causes } = diagnose(whyFacts({ data: both, given: older, pods: { allowed: true, reason: "" } }));

    expect(causes.map(({ code }) => code)).toEqual(["role-replaced", "own-side"]);
    expect(causes[0]?.message).toContain(`\`${newer}\` (mapRoles line `);
    expect(causes[0]?.remedy).toContain("/eks-access link <arn>");
    expect(causes[0]?.remedy).not.toContain("/eks-access request");
  });
});

test.each([
  ["arn:aws:iam::111122223333:role/team/developers", "aws iam get-role --role-name developers --query Role.CreateDate"],
  ["arn:aws:iam::111122223333:user/jane", "aws iam get-user --user-name jane --query User.CreateDate"],
])(
  "one command shows whether the entry of %s is outdated, and then comes the request of a repair",
  (principalArn, command) => {
    const remedy = outdatedEntryRemedy(aCluster(), { principalArn, createdAt: since(1) });

    expect(remedy).toContain(command);
    expect(remedy).toContain(since(1));
    expect(remedy).toContain(`/eks-access repair staging ${principalArn.replace("team/", "")}`);
  },
);
